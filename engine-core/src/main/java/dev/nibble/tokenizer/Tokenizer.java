package dev.nibble.tokenizer;

import java.util.Objects;

/** Turns text into the token ids a model was trained on, and back. Immutable and thread-safe. */
public interface Tokenizer {

    /** The tokens and their kinds. */
    Vocabulary vocabulary();

    /** How {@link #encode} treats what is not plain text. Immutable. */
    final class Options {
        /** No BOS or EOS is added and no control token is recognised: the text is data. */
        public static final Options PLAIN = new Options(false, false);

        /** BOS and EOS as the file asks; control tokens in the text are recognised: the text is a prompt. */
        public static final Options PROMPT = new Options(true, true);

        /** Control tokens in the text are recognised, nothing is added: a rendered chat template. */
        public static final Options TEMPLATE = new Options(false, true);

        private final boolean addSpecial;
        private final boolean parseSpecial;

        private Options(boolean addSpecial, boolean parseSpecial) {
            this.addSpecial = addSpecial;
            this.parseSpecial = parseSpecial;
        }

        /** Whether BOS and EOS are added as the file asks; a text that begins with BOS gets no second one. */
        public Options withAddSpecial(boolean value) {
            return new Options(value, parseSpecial);
        }

        /** Whether control tokens in the text are recognised; if not, they are text like any other. */
        public Options withParseSpecial(boolean value) {
            return new Options(addSpecial, value);
        }

        /** Whether BOS and EOS are added as the file asks. */
        public boolean addSpecial() {
            return addSpecial;
        }

        /** Whether control tokens in the text are recognised. */
        public boolean parseSpecial() {
            return parseSpecial;
        }

        @Override
        public String toString() {
            return "Options[addSpecial=" + addSpecial + ", parseSpecial=" + parseSpecial + "]";
        }
    }

    /**
     * The ids of {@code text}. Linear in its length, whatever it contains. An unpaired surrogate counts as U+FFFD.
     */
    int[] encode(String text, Options options);

    /**
     * The bytes that token {@code id} stands for in running text; control tokens give none. Leading-space handling at
     * the start of a text is the business of {@link StreamingDetokenizer}.
     */
    byte[] bytes(int id);

    /** The text of {@code ids}, taken as a whole text; malformed UTF-8 is replaced, as it may be cut. */
    default String decode(int[] ids) {
        Objects.requireNonNull(ids, "ids");
        StreamingDetokenizer detokenizer = new StreamingDetokenizer(this, true);
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(detokenizer.append(id));
        }
        return text.append(detokenizer.flush()).toString();
    }

    /** Whether {@link #encode} puts a space before the text, which {@link #decode} takes away again. */
    boolean addsLeadingSpace();

    /** The kind of tokenizer in a line, such as {@code byte pairs (llama-bpe)}. */
    String description();
}
