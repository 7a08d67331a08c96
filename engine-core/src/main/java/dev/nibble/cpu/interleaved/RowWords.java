package dev.nibble.cpu.interleaved;

/**
 * The quants of one row as the words that {@link Quants} has in its units, four in a long, the first in the lowest bits;
 * a block begins a long. This is what a group of rows has in turn, see {@link Packer}.
 */
final class RowWords {
    private static final long BYTES_OF_FOURTHS = 0x00ff00ff00ff00ffL;
    private static final long WORD = 0xffffL;
    private static final long HIGH_BITS = 0x8080808080808080L;

    private RowWords() {}

    /**
     * Puts quants together to words.
     *
     * @param blockUnits words of a block, which say how many bits a quant has
     * @param values 8 quants each, a byte each, the first in the lowest
     * @param count of values, a multiple of 4, a block
     * @param to where in {@code words} the first block begins
     */
    static void put(int blockUnits, long[] values, int count, long[] words, int to) {
        switch (blockUnits) {
            case 4 -> twos(values, count, words, to);
            case 6 -> threes(values, count, words, to);
            case 8 -> fours(values, count, words, to);
            case 10 -> fives(values, count, words, to);
            case 12 -> sixes(values, count, words, to);
            case 16 -> eights(values, count, words, to);
            default -> throw new IllegalArgumentException(blockUnits + " words of a block");
        }
    }

    /** Signed quants, plus 128. */
    private static void eights(long[] values, int count, long[] words, int to) {
        for (int i = 0; i < count; i++) {
            words[to + i] = values[i] ^ HIGH_BITS;
        }
    }

    private static void fours(long[] values, int count, long[] words, int to) {
        for (int i = 0, at = to; i < count; i += 2, at++) {
            words[at] = fours(values[i]) | fours(values[i + 1]) << 32;
        }
    }

    /** Two words of four quants. */
    private static long fours(long v) {
        long pairs = (v | v >>> 4) & BYTES_OF_FOURTHS;
        return (pairs | pairs >>> 8) & WORD | pairs >>> 16 & 0xff0000L | pairs >>> 24 & 0xff000000L;
    }

    private static void fives(long[] values, int count, long[] words, int to) {
        for (int i = 0, at = to; i < count; i += 4, at += 3) {
            long first = fives(values[i], values[i + 1]);
            long second = fives(values[i + 2], values[i + 3]);
            words[at] = first;
            words[at + 1] = fifth(values[i + 1]) | second << 16;
            words[at + 2] = second >>> 48 | fifth(values[i + 3]) << 16;
        }
    }

    /** The first four words of 16 quants: three quants and a bit of the last. */
    private static long fives(long v, long w) {
        int last = (int) (w >>> 56);
        return three(v) & 0x7fff
                | (three(v >>> 24) & 0x7fff) << 16
                | (three(v >>> 48 | w << 16) & 0x7fff) << 32
                | (three(w >>> 8) & 0x7fff) << 48
                | (last & 1L) << 15
                | (last & 2L) << 30
                | (last & 4L) << 45
                | (last & 8L) << 60;
    }

    /** The fifth word. */
    private static long fifth(long w) {
        return three(w >>> 32) & 0x7fff | (w >>> 60 & 1) << 15;
    }

    private static long three(long quants) {
        return quants & 31 | quants >>> 3 & 31 << 5 | quants >>> 6 & 31 << 10;
    }

    private static void sixes(long[] values, int count, long[] words, int to) {
        for (int i = 0, at = to; i < count; i += 4, at += 3) {
            long a = sixes(values[i]);
            long b = sixes(values[i + 1]);
            long c = sixes(values[i + 2]);
            long d = sixes(values[i + 3]);
            words[at] = a | b << 48;
            words[at + 1] = b >>> 16 | c << 32;
            words[at + 2] = c >>> 32 | d << 16;
        }
    }

    /** The three words of 8 quants: two quants, and two bits of each of the last two. */
    private static long sixes(long v) {
        long seventh = v >>> 48 & 63;
        long eighth = v >>> 56;
        return two(v)
                | two(v >>> 16) << 16
                | two(v >>> 32) << 32
                | (seventh & 3) << 12
                | (seventh & 12) << 26
                | (seventh & 48) << 40
                | (eighth & 3) << 14
                | (eighth & 12) << 28
                | (eighth & 48) << 42;
    }

    private static long two(long quants) {
        return quants & 63 | quants >>> 2 & 63 << 6;
    }

    private static void threes(long[] values, int count, long[] words, int to) {
        for (int i = 0, at = to; i < count; i += 4, at += 2) {
            long first = threes(values[i], values[i + 1]);
            long second = threes(values[i + 2], values[i + 3]);
            words[at] = first | second << 48;
            words[at + 1] = second >>> 16;
        }
    }

    /** The three words of 16 quants: five quants and a bit of the last. */
    private static long threes(long v, long w) {
        long all = threes(v) | threes(w) << 24;
        long last = all >>> 45;
        return all & 0x7fff
                | (all >>> 15 & 0x7fff) << 16
                | (all >>> 30 & 0x7fff) << 32
                | (last & 1) << 15
                | (last & 2) << 30
                | (last & 4) << 45;
    }

    /** Eight quants one behind the other. */
    private static long threes(long v) {
        long pairs = (v | v >>> 5) & 0x003f003f003f003fL;
        long fours = (pairs | pairs >>> 10) & 0x00000fff00000fffL;
        return (fours | fours >>> 20) & 0xffffff;
    }

    private static void twos(long[] values, int count, long[] words, int to) {
        for (int i = 0, at = to; i < count; i += 4, at++) {
            words[at] =
                    twos(values[i]) | twos(values[i + 1]) << 16 | twos(values[i + 2]) << 32 | twos(values[i + 3]) << 48;
        }
    }

    /** The word of eight quants. */
    private static long twos(long v) {
        long pairs = (v | v >>> 6) & 0x000f000f000f000fL;
        long fours = (pairs | pairs >>> 12) & 0x000000ff000000ffL;
        return (fours | fours >>> 24) & WORD;
    }
}
