package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;

/** A compiled feed-forward layer. */
public interface FeedForwardOp {

    /**
     * From the rows in {@code input} to {@code output} [rows, hiddenSize].
     *
     * @param residual the residual stream [rows, hiddenSize], for one that has norms of its own before its parts
     */
    void run(Pass pass, float[] residual, MatmulInput input, float[] output);
}
