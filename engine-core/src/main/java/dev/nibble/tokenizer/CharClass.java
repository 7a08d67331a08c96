package dev.nibble.tokenizer;

/**
 * The Unicode classes that pre-tokenizers distinguish, as bits. A character has at most one; controls, format
 * characters, surrogates and unassigned code points have none.
 */
final class CharClass {
    static final byte LETTER = 1; // \p{L}
    static final byte NUMBER = 2; // \p{N}
    static final byte PUNCTUATION = 4; // \p{P}
    static final byte SYMBOL = 8; // \p{S}
    static final byte MARK = 16; // \p{M}
    static final byte SPACE = 32; // \s

    private static final byte[] OF_TYPE = new byte[31];

    static {
        set(LETTER, Character.UPPERCASE_LETTER, Character.LOWERCASE_LETTER, Character.TITLECASE_LETTER);
        set(LETTER, Character.MODIFIER_LETTER, Character.OTHER_LETTER);
        set(NUMBER, Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER);
        set(PUNCTUATION, Character.CONNECTOR_PUNCTUATION, Character.DASH_PUNCTUATION, Character.OTHER_PUNCTUATION);
        set(PUNCTUATION, Character.START_PUNCTUATION, Character.END_PUNCTUATION);
        set(PUNCTUATION, Character.INITIAL_QUOTE_PUNCTUATION, Character.FINAL_QUOTE_PUNCTUATION);
        set(SYMBOL, Character.MATH_SYMBOL, Character.CURRENCY_SYMBOL);
        set(SYMBOL, Character.MODIFIER_SYMBOL, Character.OTHER_SYMBOL);
        set(MARK, Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK);
        set(SPACE, Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR);
    }

    private static final byte[] OF_LATIN1 = new byte[256];

    static {
        for (int c = 0; c < 256; c++) {
            boolean space = c >= '\t' && c <= '\r' || c == 0x85;
            OF_LATIN1[c] = space ? SPACE : OF_TYPE[Character.getType(c)];
        }
    }

    private CharClass() {}

    static byte of(int c) {
        return c < 256 ? OF_LATIN1[c] : OF_TYPE[Character.getType(c)];
    }

    private static void set(byte charClass, byte... types) {
        for (byte type : types) {
            OF_TYPE[type] = charClass;
        }
    }
}
