package dev.nibble.tokenizer;

/** The tokens of a model: texts, kinds, and the special ones. Immutable. */
public interface Vocabulary {
    /** Number of tokens. */
    int size();
}
