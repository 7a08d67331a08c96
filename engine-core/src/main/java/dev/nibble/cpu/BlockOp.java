package dev.nibble.cpu;

/** A compiled block: from the residual stream to the residual stream. */
interface BlockOp {
    void run(Pass pass);
}
