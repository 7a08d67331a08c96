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

    /**
     * The characters that Unicode 16 added. Vocabularies were made, and llama.cpp cuts words, by Unicode 15.1, to which
     * these are unassigned; without this table the ids of a text would depend on the Java that runs.
     */
    private static final CharRanges ADDED = new CharRanges(
            0x897, 0x897, 0x1B4E, 0x1B4F, 0x1B7F, 0x1B7F, 0x1C89, 0x1C8A, 0x2427, 0x2429, 0x31E4, 0x31E5, 0xA7CB,
            0xA7CD, 0xA7DA, 0xA7DC, 0x105C0, 0x105F3, 0x10D40, 0x10D8F, 0x10EC2, 0x10EC4, 0x10EFC, 0x10EFC, 0x11380,
            0x113E2, 0x116D0, 0x116E3, 0x11BC0, 0x11BF9, 0x11F5A, 0x11F5A, 0x13460, 0x143FA, 0x16100, 0x16139, 0x16D40,
            0x16D79, 0x18CFF, 0x18CFF, 0x1CC00, 0x1CEB3, 0x1E5D0, 0x1E5FF, 0x1F8B2, 0x1F8BB, 0x1F8C0, 0x1F8C1, 0x1FA89,
            0x1FA89, 0x1FA8F, 0x1FA8F, 0x1FABE, 0x1FABE, 0x1FAC6, 0x1FAC6, 0x1FADC, 0x1FADC, 0x1FADF, 0x1FADF, 0x1FAE9,
            0x1FAE9, 0x1FBCB, 0x1FBEF);

    private CharClass() {}

    static byte of(int c) {
        if (c < 256) {
            return OF_LATIN1[c];
        }
        byte charClass = OF_TYPE[Character.getType(c)];
        return charClass != 0 && ADDED.contains(c) ? 0 : charClass;
    }

    private static void set(byte charClass, byte... types) {
        for (byte type : types) {
            OF_TYPE[type] = charClass;
        }
    }
}
