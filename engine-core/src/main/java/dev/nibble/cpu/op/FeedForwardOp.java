package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;

/** A compiled feed-forward layer. */
public interface FeedForwardOp {

    /** From the rows in {@code input} to {@code output} [rows, hiddenSize]. */
    void run(Pass pass, MatmulInput input, float[] output);
}
