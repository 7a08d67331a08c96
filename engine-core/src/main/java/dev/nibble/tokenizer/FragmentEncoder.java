package dev.nibble.tokenizer;

/** Turns text without special tokens into ids. Immutable; what a call needs to remember lives in the call. */
interface FragmentEncoder {

    /**
     * Appends the ids of {@code [from, to)} of {@code text}.
     *
     * @param afterSpecial whether the text begins here or a special token stands before it
     */
    void encode(byte[] text, int from, int to, boolean afterSpecial, IntList ids);
}
