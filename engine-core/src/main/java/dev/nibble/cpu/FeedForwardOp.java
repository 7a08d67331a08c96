package dev.nibble.cpu;

/** A compiled feed-forward layer. */
interface FeedForwardOp {

    /** From the rows in {@code input} to {@code output} [rows, hiddenSize]. */
    void run(Pass pass, MatmulInput input, float[] output);
}
