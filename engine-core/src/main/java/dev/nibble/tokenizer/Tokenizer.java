package dev.nibble.tokenizer;

/** Turns text into the token ids a model was trained on, and back. Immutable and thread-safe. */
public interface Tokenizer {

    /** The tokens and their kinds. */
    Vocabulary vocabulary();

    /** How {@link #encode} treats what is not plain text. */
    record Options(boolean addSpecial, boolean parseSpecial) {
        /** No BOS or EOS is added and no control token is recognised: the text is data. */
        public static final Options PLAIN = new Options(false, false);
        /** BOS and EOS as the file asks; control tokens in the text are recognised: the text is a prompt. */
        public static final Options PROMPT = new Options(true, true);
        /** Control tokens in the text are recognised, nothing is added: a rendered chat template. */
        public static final Options TEMPLATE = new Options(false, true);
    }

    /** The ids of {@code text}. Linear in its length, whatever it contains. */
    int[] encode(String text, Options options);

    /**
     * The bytes that token {@code id} stands for in running text; control tokens give none. Leading-space handling at
     * the start of a text is the business of {@link StreamingDetokenizer}.
     */
    byte[] bytes(int id);

    /** The text of {@code ids}; malformed UTF-8 is replaced, as it may be cut. */
    String decode(int[] ids);
}
