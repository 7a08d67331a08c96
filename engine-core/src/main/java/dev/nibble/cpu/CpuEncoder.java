package dev.nibble.cpu;

import dev.nibble.KvCacheTypes;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.op.CrossAttention;
import dev.nibble.cpu.op.RowNorm;
import dev.nibble.cpu.state.CpuSequence;
import dev.nibble.cpu.state.KvPool;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.Model;
import dev.nibble.spi.Batch;
import java.util.List;

/** A compiled encoder: its blocks, and the layers of the decoder that keep something of the states it makes. */
final class CpuEncoder {
    private final Model model;
    private final BlockStack stack;
    private final List<CrossAttention> readers;

    /**
     * @param readers the layers of the decoder that read the states
     */
    CpuEncoder(Model model, List<CrossAttention> readers, LinearFactory linears, Workspace workspace) {
        this.model = model;
        this.readers = readers;
        stack = new BlockStack(model, linears, workspace);
    }

    /** An empty sequence for the tokens of a source while they are read, with the adapters of whose source it is. */
    CpuSequence newSequence(KvPool pool, CpuSequence target, int tokens, KvCacheTypes types, Pass pass) {
        CpuSequence sequence = new CpuSequence(pool, model, tokens, types, tokens, pass.ops);
        float[] adapters = target.adapters();
        sequence.useAdapters(adapters == null ? new float[model.adapters().size()] : adapters);
        return sequence;
    }

    /** Reads a source, which is the whole batch, and has the decoder's layers keep what they read of it. */
    void run(Pass pass, Batch batch, CpuSequence target) {
        stack.run(pass, batch);
        int hidden = model.config().hiddenSize();
        MatmulInput states = pass.workspace.get(Input.HIDDEN);
        RowNorm.applyToRows(pass, model.outputNorm(), pass.workspace.get(Buffer.RESIDUAL), states.values(), hidden);
        states.reset(pass.rows(), hidden);
        for (CrossAttention reader : readers) {
            pass.checkCancelled();
            reader.keep(pass, states, target);
        }
    }
}
