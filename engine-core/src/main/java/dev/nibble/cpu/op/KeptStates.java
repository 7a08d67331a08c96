package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.model.Connection;
import java.util.Arrays;

/**
 * Compiled attention to earlier states of the residual stream; the formula stands at {@link Connection.Kept}. The states lie one
 * after the other in {@link Buffer#STREAMS}, [states, rows, hidden], and the stream is {@link Buffer#RESIDUAL}.
 */
final class KeptStates implements ConnectionOp {
    private final Connection.Kept config;
    private final int hidden;
    private final Pass.Job readJob = this::readRows;

    KeptStates(Connection.Kept config, int hidden, Workspace workspace) {
        this.config = config;
        this.hidden = hidden;
        workspace.reserve(Buffer.STREAMS, (config.kept() + 1L) * hidden);
        workspace.reserve(Buffer.CONNECTION, config.kept() + 1L);
    }

    @Override
    public void read(Pass pass, float[] out) {
        pass.bind(pass.workspace.get(Workspace.Input.HIDDEN), out);
        pass.forEach(pass.rows(), pass.rowGrain(), readJob);
    }

    private void readRows(Pass pass, int worker, int from, int to) {
        VectorOps ops = pass.ops;
        float[] states = pass.workspace.get(Buffer.STREAMS);
        float[] stream = pass.workspace.get(Buffer.RESIDUAL);
        float[] scores = pass.workspace.get(Buffer.CONNECTION);
        float[] out = pass.output();
        int kept = config.kept();
        int size = pass.rows() * hidden;
        for (int row = from; row < to; row++) {
            int at = row * hidden;
            int first = row * (kept + 1);
            for (int i = 0; i < kept; i++) {
                scores[first + i] = score(ops, states, i * size + at);
            }
            scores[first + kept] = score(ops, stream, at);
            float sum = ops.exp(scores, first, kept + 1, ops.max(scores, first, kept + 1));
            Arrays.fill(out, at, at + hidden, 0);
            for (int i = 0; i < kept; i++) {
                ops.axpy(scores[first + i] / sum, states, i * size + at, out, at, hidden);
            }
            ops.axpy(scores[first + kept] / sum, stream, at, out, at, hidden);
        }
    }

    private float score(VectorOps ops, float[] values, int at) {
        return ops.dot(config.weight(), 0, values, at, hidden)
                * RowNorm.rmsFactor(ops, values, at, hidden, config.epsilon());
    }

    @Override
    public void write(Pass pass, float[] returned) {
        float[] stream = pass.workspace.get(Buffer.RESIDUAL);
        int size = pass.rows() * hidden;
        if (config.keeps()) {
            System.arraycopy(stream, 0, pass.workspace.get(Buffer.STREAMS), config.kept() * size, size);
            System.arraycopy(returned, 0, stream, 0, size);
        } else {
            pass.ops.add(returned, 0, stream, 0, size);
        }
    }
}
