package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.Model;
import dev.nibble.model.Model.EmbeddingInput;
import dev.nibble.spi.Batch;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The input of the first block: token embeddings, and what a model adds to them. Also merges streams at the end. */
public final class TokenInput {
    private final Model model;
    private final int hidden;
    private final @Nullable Linear perLayerProjection;
    private final @Nullable Linear join;
    private final boolean keepsInput;
    private final Linear[] make;
    private final Linear[] merge;
    private final @Nullable ConnectionOp end;

    public TokenInput(Model model, LinearFactory linears, Workspace workspace) {
        this.model = model;
        hidden = model.config().hiddenSize();
        if (model.embeddingInput() instanceof EmbeddingInput.PerLayer perLayer) {
            perLayerProjection = linears.create(perLayer.projection());
            workspace.reserve(Buffer.PER_LAYER, perLayerProjection.outputSize());
            workspace.reserve(Buffer.PER_LAYER_PROJECTED, perLayerProjection.outputSize());
        } else {
            perLayerProjection = null;
        }
        if (model.embeddingInput() instanceof EmbeddingInput.States) {
            workspace.reserve(Buffer.STATE, hidden);
            workspace.reserve(Buffer.OTHER_STATE, hidden);
        }
        if (model.embeddingInput() instanceof EmbeddingInput.Joined joined) {
            join = linears.create(joined.projection());
            workspace.reserve(Input.HIDDEN, 2L * hidden);
        } else {
            join = null;
        }
        keepsInput = model.blocks().stream().anyMatch(block -> block.embeddingShare() != 0);
        if (keepsInput) {
            workspace.reserve(Buffer.FIRST_INPUT, hidden);
        }
        Model.Streams streams = streams();
        make = streams == null ? new Linear[0] : create(streams.make(), linears);
        merge = streams == null ? new Linear[0] : create(streams.merge(), linears);
        end = model.embeddingInput() instanceof EmbeddingInput.Connected connected
                ? ConnectionOp.of(connected.end(), hidden, linears, workspace)
                : null;
    }

    private static Linear[] create(List<dev.nibble.model.Projection> projections, LinearFactory linears) {
        return projections.stream().map(linears::create).toArray(Linear[]::new);
    }

    private Model.@Nullable Streams streams() {
        return model.embeddingInput() instanceof EmbeddingInput.PerLayer perLayer ? perLayer.streams() : null;
    }

    /** Fills the residual stream, and the per-layer inputs and streams where the model has them. */
    public void run(Pass pass, Batch batch) {
        float[] residual = pass.workspace.get(Buffer.RESIDUAL);
        for (int row = 0; row < batch.size(); row++) {
            pass.checkCancelled();
            model.tokenEmbedding().dequantizeRows(batch.token(row), 1, residual, row * hidden);
        }
        if (model.config().embeddingScale() != 1) {
            pass.ops.scale(residual, 0, batch.size() * hidden, model.config().embeddingScale());
        }
        switch (model.embeddingInput()) {
            case null -> {}
            case EmbeddingInput.PositionsAndTypes positions -> addPositions(pass, positions, residual);
            case EmbeddingInput.States states -> {
                float[] other = pass.workspace.get(Buffer.OTHER_STATE);
                System.arraycopy(residual, 0, pass.workspace.get(Buffer.STATE), 0, pass.rows() * hidden);
                for (int row = 0; row < pass.rows(); row++) {
                    System.arraycopy(states.other(), 0, other, row * hidden, hidden);
                }
                pass.ops.add(other, 0, residual, 0, pass.rows() * hidden);
            }
            case EmbeddingInput.Joined joined -> joinStates(pass, batch, joined, residual);
            case EmbeddingInput.Connected connected -> {
                for (int row = 0; connected.count() > 0 && row < pass.rows(); row++) {
                    for (int i = 0; i < connected.count(); i++) {
                        int at = (row * connected.count() + i) * hidden;
                        System.arraycopy(residual, row * hidden, pass.workspace.get(Buffer.STREAMS), at, hidden);
                    }
                }
            }
            case EmbeddingInput.PerLayer perLayer -> {
                MatmulInput embedding = pass.workspace.get(Input.HIDDEN);
                System.arraycopy(residual, 0, embedding.values(), 0, pass.rows() * hidden);
                embedding.reset(pass.rows(), hidden);
                perLayerInputs(pass, batch, perLayer, embedding);
                if (perLayer.streams() != null) {
                    makeStreams(pass, residual, embedding);
                }
            }
        }
        if (keepsInput) {
            System.arraycopy(residual, 0, pass.workspace.get(Buffer.FIRST_INPUT), 0, pass.rows() * hidden);
        }
        pass.observe("inp_embd", -1, residual, hidden);
    }

    private void joinStates(Pass pass, Batch batch, EmbeddingInput.Joined joined, float[] residual) {
        MatmulInput both = pass.workspace.get(Input.HIDDEN);
        for (int row = 0; row < pass.rows(); row++) {
            int at = 2 * row * hidden;
            float[] state = Objects.requireNonNull(batch.state(row));
            RowNorm.apply(pass.ops, joined.embeddingNorm(), residual, row * hidden, both.values(), at);
            RowNorm.apply(pass.ops, joined.stateNorm(), state, 0, both.values(), at + hidden);
        }
        both.reset(pass.rows(), 2 * hidden);
        if (join != null) {
            join.apply(pass.pool, both, residual, 0, hidden);
        }
    }

    private void addPositions(Pass pass, EmbeddingInput.PositionsAndTypes config, float[] residual) {
        float[] row = pass.workspace.get(Buffer.OUTPUT);
        for (int i = 0; i < pass.rows(); i++) {
            int at = i * hidden;
            if (config.positions() != null) {
                config.positions().dequantizeRows(pass.position(i), 1, row, 0);
                pass.ops.add(row, 0, residual, at, hidden);
            }
            if (config.tokenType() != null) {
                pass.ops.add(config.tokenType(), 0, residual, at, hidden);
            }
            if (config.norm() != null) {
                RowNorm.apply(pass.ops, config.norm(), residual, at, residual, at);
            }
        }
    }

    /** (√width · embedding + norm(projection(x) / √hidden)) / √2, for each layer. */
    private void perLayerInputs(Pass pass, Batch batch, EmbeddingInput.PerLayer config, MatmulInput embedding) {
        int width = config.width();
        int total = width * model.config().layerCount();
        float[] projected = pass.workspace.get(Buffer.PER_LAYER_PROJECTED);
        if (perLayerProjection != null) {
            perLayerProjection.apply(pass.pool, embedding, projected, 0, total);
        }
        pass.ops.scale(projected, 0, pass.rows() * total, (float) (1 / Math.sqrt(hidden)));
        float[] out = pass.workspace.get(Buffer.PER_LAYER);
        for (int row = 0; row < pass.rows(); row++) {
            pass.checkCancelled();
            int at = row * total;
            config.embedding().dequantizeRows(batch.token(row), 1, out, at);
            pass.ops.scale(out, at, total, (float) Math.sqrt(width));
            for (int layer = 0; layer < model.config().layerCount(); layer++) {
                int own = at + layer * width;
                RowNorm.apply(pass.ops, config.projectionNorm(), projected, own, projected, own);
            }
            pass.ops.add(projected, at, out, at, total);
            pass.ops.scale(out, at, total, (float) Math.sqrt(0.5));
        }
    }

    /** The first stream is the embedding, the others are projections of it, made as long as it. */
    private void makeStreams(Pass pass, float[] residual, MatmulInput embedding) {
        float[] all = pass.workspace.get(Buffer.STREAMS); // [streams, rows, hidden]
        int size = pass.rows() * hidden;
        System.arraycopy(residual, 0, all, 0, size);
        for (int i = 0; i < make.length; i++) {
            int offset = (i + 1) * size;
            make[i].apply(pass.pool, embedding, all, offset, hidden);
            matchLength(pass, residual, 0, all, offset);
        }
    }

    /**
     * Makes one residual stream of several: of AltUp's the mean, all but the first projected and made as long as the active one;
     * of others what the model says.
     */
    public void mergeStreams(Pass pass) {
        if (end != null) {
            float[] merged = pass.workspace.get(Buffer.OUTPUT);
            end.read(pass, merged);
            System.arraycopy(merged, 0, pass.workspace.get(Buffer.RESIDUAL), 0, pass.rows() * hidden);
            return;
        }
        Model.Streams streams = streams();
        if (streams == null) {
            return;
        }
        float[] all = pass.workspace.get(Buffer.STREAMS);
        float[] residual = pass.workspace.get(Buffer.RESIDUAL);
        float[] projected = pass.workspace.get(Buffer.OUTPUT);
        MatmulInput input = pass.workspace.get(Input.HIDDEN);
        int size = pass.rows() * hidden;
        System.arraycopy(all, 0, residual, 0, size);
        for (int i = 0; i < merge.length; i++) {
            System.arraycopy(all, (i + 1) * size, input.values(), 0, size);
            input.reset(pass.rows(), hidden);
            merge[i].apply(pass.pool, input, projected, 0, hidden);
            matchLength(pass, all, streams.active() * size, projected, 0);
            pass.ops.add(projected, 0, residual, 0, size);
        }
        pass.ops.scale(residual, 0, size, 1f / streams.count());
    }

    /** Scales each row of {@code values} to the length of the same row of {@code target}. */
    private void matchLength(Pass pass, float[] target, int targetOffset, float[] values, int offset) {
        for (int row = 0; row < pass.rows(); row++) {
            int at = offset + row * hidden;
            double wanted = Math.sqrt(pass.ops.sumOfSquares(target, targetOffset + row * hidden, hidden));
            double length = Math.sqrt(pass.ops.sumOfSquares(values, at, hidden));
            pass.ops.scale(values, at, hidden, (float) (wanted / length));
        }
    }
}
