package dev.nibble.cpu.op;

import dev.nibble.cpu.state.Pass;

/** A compiled block: from the residual stream to the residual stream. */
public interface BlockOp {
    void run(Pass pass);
}
