package dev.nibble.model;

/** An array of strings of a model file, decoded when asked for, so that a large vocabulary costs little to open. */
public interface StringArray {

    /** Number of strings. */
    int size();

    /** The bytes of string {@code index} as they stand in the file; they need not be UTF-8. */
    byte[] bytes(int index);

    /** String {@code index} as UTF-8, malformed bytes replaced. */
    String get(int index);
}
