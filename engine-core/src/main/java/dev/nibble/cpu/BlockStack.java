package dev.nibble.cpu;

import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.op.BlockOp;
import dev.nibble.cpu.op.CrossAttention;
import dev.nibble.cpu.op.Rope;
import dev.nibble.cpu.op.TokenInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.model.Model;
import dev.nibble.spi.Batch;
import java.util.List;

/** The compiled blocks of a model and what they read: from the tokens of a batch to its last residual stream. */
final class BlockStack {
    private final BlockOp[] blocks; // an array: walking a list allocates its iterator
    private final Rope[] ropes;
    private final TokenInput tokenInput;
    private final List<CrossAttention> crossAttentions;

    BlockStack(Model model, LinearFactory linears, Workspace workspace) {
        BlockCompiler compiler = new BlockCompiler(model, linears, workspace);
        blocks = compiler.compile().toArray(BlockOp[]::new);
        ropes = compiler.ropes().toArray(Rope[]::new);
        crossAttentions = compiler.crossAttentions();
        tokenInput = new TokenInput(model, linears, workspace);
    }

    /** Those of its blocks that read the source. */
    List<CrossAttention> crossAttentions() {
        return crossAttentions;
    }

    void run(Pass pass, Batch batch) {
        for (Rope rope : ropes) {
            rope.prepare(pass);
        }
        tokenInput.run(pass, batch);
        for (BlockOp block : blocks) {
            pass.checkCancelled();
            pass.pool.letOthers();
            block.run(pass);
        }
        tokenInput.mergeStreams(pass);
    }
}
