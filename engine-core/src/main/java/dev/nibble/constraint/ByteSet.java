package dev.nibble.constraint;

/** A set of bytes: bit {@code b % 64} of word {@code b / 64} for each byte b, 0 to 255. */
record ByteSet(long word0, long word1, long word2, long word3) {
    static final ByteSet NONE = new ByteSet(0, 0, 0, 0);
    static final ByteSet ALL = new ByteSet(-1, -1, -1, -1);

    static ByteSet of(int b) {
        return range(b, b);
    }

    /** The bytes from {@code low} to {@code high}, both included. */
    static ByteSet range(int low, int high) {
        long[] words = new long[4];
        for (int b = low; b <= high; b++) {
            words[b >> 6] |= 1L << b;
        }
        return new ByteSet(words[0], words[1], words[2], words[3]);
    }

    boolean contains(int b) {
        return (word(b >> 6) >>> b & 1) != 0;
    }

    boolean isEmpty() {
        return (word0 | word1 | word2 | word3) == 0;
    }

    ByteSet or(ByteSet other) {
        return new ByteSet(word0 | other.word0, word1 | other.word1, word2 | other.word2, word3 | other.word3);
    }

    private long word(int index) {
        return switch (index) {
            case 0 -> word0;
            case 1 -> word1;
            case 2 -> word2;
            default -> word3;
        };
    }

    /** The bytes in ranges, as {@code 61-7a}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("[");
        for (int b = 0; b < 256; b++) {
            if (contains(b)) {
                int high = b;
                while (high < 255 && contains(high + 1)) {
                    high++;
                }
                text.append(text.length() > 1 ? " " : "").append(Integer.toHexString(b));
                text.append(high > b ? "-" + Integer.toHexString(high) : "");
                b = high;
            }
        }
        return text.append(']').toString();
    }
}
