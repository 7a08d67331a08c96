package dev.nibble.tokenizer;

import java.util.OptionalInt;

/** The tokens of a model: texts, kinds, and the special ones. Immutable. Ids run from 0 to {@code size() - 1}. */
public interface Vocabulary {
    /** Number of tokens. */
    int size();

    /**
     * The token as it is written in the file: byte-level vocabularies write a space as {@code Ġ}, others as {@code ▁}.
     * What a token stands for in a text is {@link Tokenizer#bytes}.
     */
    String text(int id);

    /** The kind of a token. */
    TokenType type(int id);

    /** The score of a token, 0 where the file has none: a merge priority or a log probability. */
    float score(int id);

    /** The token that is written exactly {@code text} in the file. */
    OptionalInt find(String text);

    /** Begins a text. */
    OptionalInt bosId();

    /** Ends a text. */
    OptionalInt eosId();

    /** Ends a turn of a chat. */
    OptionalInt eotId();

    /** Ends a message that expects an answer within the turn. */
    OptionalInt eomId();

    /** Stands for text that cannot be expressed. */
    OptionalInt unknownId();

    /** Separates or ends the texts of an encoder model. */
    OptionalInt separatorId();

    /** Fills up a batch. */
    OptionalInt paddingId();

    /** Whether a text given to the model begins with {@link #bosId}. */
    boolean addBos();

    /** Whether a text given to the model ends with {@link #eosId}. */
    boolean addEos();

    /** Whether {@link #separatorId} stands before the second of two texts, behind what ends the first. */
    default boolean addSeparator() {
        return false;
    }

    /** Whether a token steers the model instead of standing for text. */
    default boolean isControl(int id) {
        return type(id) == TokenType.CONTROL;
    }

    /** Whether generation stops at this token: end of text, of turn, of message, and what else models use for it. */
    boolean isEndOfGeneration(int id);

    /** Tokens that must never be generated, as {@code tokenizer.ggml.suppress_tokens} lists them; often none. */
    int[] suppressedTokens();
}
