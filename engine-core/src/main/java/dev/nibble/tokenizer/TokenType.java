package dev.nibble.tokenizer;

/** The kind of a token, in the order of the codes of {@code tokenizer.ggml.token_type}. */
public enum TokenType {
    /** No kind is known; the token stands for no text. */
    UNDEFINED,
    /** A piece of text. */
    NORMAL,
    /** Stands for text that the vocabulary cannot express. */
    UNKNOWN,
    /** Steers the model, such as BOS or the end of a turn; stands for no text. */
    CONTROL,
    /** A text that is one token wherever it occurs, ahead of everything else. */
    USER_DEFINED,
    /** Reserved, never produced. */
    UNUSED,
    /** One byte, for text that has no token of its own. */
    BYTE;

    private static final TokenType[] VALUES = values();

    /** The kind of a code in a file; an unknown code is {@link #UNDEFINED}. */
    static TokenType of(long code) {
        return code >= 0 && code < VALUES.length ? VALUES[(int) code] : UNDEFINED;
    }
}
