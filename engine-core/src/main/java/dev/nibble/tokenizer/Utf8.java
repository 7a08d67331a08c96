package dev.nibble.tokenizer;

import java.util.Arrays;

/** UTF-8 by hand: unlike the JDK's, it turns an unpaired surrogate and each malformed byte into U+FFFD. */
final class Utf8 {
    static final int REPLACEMENT = 0xFFFD;
    static final int MALFORMED = -1;

    private Utf8() {}

    static byte[] encode(String text) {
        byte[] bytes = new byte[text.length() + 16];
        int size = 0;
        for (int i = 0; i < text.length(); i++) {
            int c = text.charAt(i);
            if (Character.isSurrogate((char) c)) {
                boolean pair = Character.isHighSurrogate((char) c)
                        && i + 1 < text.length()
                        && Character.isLowSurrogate(text.charAt(i + 1));
                c = pair ? Character.toCodePoint((char) c, text.charAt(++i)) : REPLACEMENT;
            }
            if (size + 4 > bytes.length) {
                bytes = Arrays.copyOf(bytes, IntList.grown(bytes.length));
            }
            size = encode(c, bytes, size);
        }
        return Arrays.copyOf(bytes, size);
    }

    /** Writes a code point at {@code offset} and returns the offset behind it; needs room for 4 bytes. */
    static int encode(int c, byte[] bytes, int offset) {
        if (c < 0x80) {
            bytes[offset] = (byte) c;
            return offset + 1;
        }
        if (c < 0x800) {
            bytes[offset] = (byte) (0xC0 | c >> 6);
            bytes[offset + 1] = (byte) (0x80 | c & 0x3F);
            return offset + 2;
        }
        if (c < 0x10000) {
            bytes[offset] = (byte) (0xE0 | c >> 12);
            bytes[offset + 1] = (byte) (0x80 | c >> 6 & 0x3F);
            bytes[offset + 2] = (byte) (0x80 | c & 0x3F);
            return offset + 3;
        }
        bytes[offset] = (byte) (0xF0 | c >> 18);
        bytes[offset + 1] = (byte) (0x80 | c >> 12 & 0x3F);
        bytes[offset + 2] = (byte) (0x80 | c >> 6 & 0x3F);
        bytes[offset + 3] = (byte) (0x80 | c & 0x3F);
        return offset + 4;
    }

    /** Bytes of the character that begins with {@code first}, taken at its word; at least 1. */
    static int length(byte first) {
        return switch (first & 0xF0) {
            case 0xF0 -> 4;
            case 0xE0 -> 3;
            case 0xC0, 0xD0 -> 2;
            default -> 1;
        };
    }

    /** The code point at {@code from}, or {@link #MALFORMED} when there is none within {@code [from, to)}. */
    static int decode(byte[] bytes, int from, int to) {
        int length = length(bytes[from]);
        if (length == 1) {
            return bytes[from] >= 0 ? bytes[from] : MALFORMED;
        }
        if (to - from < length) {
            return MALFORMED;
        }
        int c = bytes[from] & 0x7F >> length;
        for (int i = 1; i < length; i++) {
            if ((bytes[from + i] & 0xC0) != 0x80) {
                return MALFORMED;
            }
            c = c << 6 | bytes[from + i] & 0x3F;
        }
        return c <= Character.MAX_CODE_POINT ? c : MALFORMED;
    }
}
