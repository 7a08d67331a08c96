package dev.nibble.tokenizer;

import java.util.Arrays;

/**
 * The characters in which byte-level vocabularies write bytes: a printable Latin-1 character stands for its own byte,
 * the other bytes take the characters from U+0100 on, in order (bytes_to_unicode of GPT-2).
 */
final class ByteAlphabet {
    private static final char[] CHARACTERS = new char[256];
    private static final short[] BYTES = new short[0x144];

    static {
        Arrays.fill(BYTES, (short) -1);
        char spare = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean printable = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
            CHARACTERS[b] = printable ? (char) b : spare++;
            BYTES[CHARACTERS[b]] = (short) b;
        }
    }

    private ByteAlphabet() {}

    /** Writes the character of a byte as UTF-8 at {@code offset} and returns the offset behind it. */
    static int encode(byte b, byte[] utf8, int offset) {
        return Utf8.encode(CHARACTERS[b & 0xFF], utf8, offset);
    }

    /** The bytes that a token stands for; a character that stands for none is taken as text. */
    static byte[] decode(byte[] token) {
        byte[] bytes = new byte[token.length];
        int size = 0;
        for (int i = 0; i < token.length; ) {
            int c = Utf8.decode(token, i, token.length);
            int length = c == Utf8.MALFORMED ? 1 : Utf8.length(token[i]);
            if (c >= 0 && c < BYTES.length && BYTES[c] >= 0) {
                bytes[size++] = (byte) BYTES[c];
            } else {
                System.arraycopy(token, i, bytes, size, length);
                size += length;
            }
            i += length;
        }
        return Arrays.copyOf(bytes, size);
    }
}
