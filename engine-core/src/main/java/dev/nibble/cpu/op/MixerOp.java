package dev.nibble.cpu.op;

import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;

/** A compiled mixer. */
public interface MixerOp {

    /** Mixes the rows of the batch: from {@link Workspace.Input#HIDDEN} to {@code output} [rows, hiddenSize]. */
    void run(Pass pass, float[] output);
}
