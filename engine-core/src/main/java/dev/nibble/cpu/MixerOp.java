package dev.nibble.cpu;

/** A compiled mixer. */
interface MixerOp {

    /** Mixes the rows of the batch: from {@link Workspace.Input#HIDDEN} to {@code output} [rows, hiddenSize]. */
    void run(Pass pass, float[] output);
}
