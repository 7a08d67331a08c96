package dev.nibble.spi;

/** Asked before the sequences of a forward pass take memory, by whichever thread makes room for one. Thread-safe. */
public interface SequenceMemory {

    /**
     * Takes memory, all or none.
     *
     * @param bytes 0 or more
     * @param tokens for how many more tokens of one sequence, 0 if for a copy
     * @throws dev.nibble.OutOfMemoryException if there is not as much
     */
    void take(long bytes, int tokens);

    /** Gives back what was taken, in parts of any size. */
    void giveBack(long bytes);
}
