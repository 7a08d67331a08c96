package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;

/** A compiled mixer. */
public interface MixerOp {

    /** Mixes the rows of the batch: from {@code input} to {@code output} [rows, hiddenSize]. */
    void run(Pass pass, MatmulInput input, float[] output);
}
