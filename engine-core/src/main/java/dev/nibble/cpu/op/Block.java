package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.Norm;
import org.jspecify.annotations.Nullable;

/** A compiled block: what {@link BlockConfig} says, step by step. */
public final class Block implements BlockOp {
    private final BlockConfig config;
    private final int layer;
    private final int hidden;
    private final @Nullable MixerOp mixer;
    private final @Nullable FeedForwardOp feedForward;
    private final @Nullable PerLayerInput perLayerInput;
    private final boolean keepsInput;
    private final Pass.Job afterMixer = this::afterMixer;
    private final Pass.Job afterFeedForward = this::afterFeedForward;

    public Block(
            BlockConfig config,
            int layer,
            int hidden,
            @Nullable MixerOp mixer,
            @Nullable FeedForwardOp feedForward,
            @Nullable PerLayerInput perLayerInput,
            Workspace workspace) {
        this.config = config;
        this.layer = layer;
        this.hidden = hidden;
        this.mixer = mixer;
        this.feedForward = feedForward;
        this.perLayerInput = perLayerInput;
        keepsInput = config.readdedNorm() != null
                || config.ffn() != null && config.ffn().readsBlockInput();
        if (keepsInput) {
            workspace.reserve(Buffer.BLOCK_INPUT, hidden);
        }
    }

    /** x ← x + r · post(mixer(pre(x))), then the feed-forward layer likewise, for the rows of the residual stream. */
    @Override
    public void run(Pass pass) {
        float[] residual = pass.workspace.get(Buffer.RESIDUAL);
        float[] output = pass.workspace.get(Buffer.OUTPUT);
        MatmulInput input = pass.workspace.get(Input.HIDDEN);
        int size = pass.rows() * hidden;

        if (keepsInput) {
            System.arraycopy(residual, 0, pass.workspace.get(Buffer.BLOCK_INPUT), 0, size);
        }
        if (mixer == null) {
            RowNorm.applyToRows(pass, config.ffnNorm(), residual, input.values(), hidden);
        } else {
            RowNorm.applyToRows(pass, config.mixerNorm(), residual, input.values(), hidden);
            input.reset(pass.rows(), hidden);
            pass.observe("attn_norm", layer, input.values(), hidden);
            mixer.run(pass, input, output);
            pass.observe("attn_out", layer, output, hidden);
            pass.forEach(pass.rows(), pass.rowGrain(), afterMixer);
        }
        if (feedForward != null) {
            pass.observe("ffn_inp", layer, residual, hidden);
            input.reset(pass.rows(), hidden);
            pass.observe("ffn_norm", layer, input.values(), hidden);
            feedForward.run(pass, residual, input, output);
            pass.observe("ffn_out", layer, output, hidden);
            pass.forEach(pass.rows(), pass.rowGrain(), afterFeedForward);
        }
        if (perLayerInput != null) {
            System.arraycopy(residual, 0, input.values(), 0, size);
            input.reset(pass.rows(), hidden);
            perLayerInput.run(pass, input, output);
            pass.ops.add(output, 0, residual, 0, size);
        }
        if (config.outputScale() != 1) {
            pass.ops.scale(residual, 0, size, config.outputScale());
        }
        if (config.embeddingShare() != 0) {
            pass.ops.axpy(config.embeddingShare(), pass.workspace.get(Buffer.FIRST_INPUT), 0, residual, 0, size);
        }
        if (config.outputNorm() != null) {
            RowNorm.applyToRows(pass, config.outputNorm(), residual, residual, hidden);
        }
        if (config.turn() != null && !config.turn().last()) {
            takeTurns(pass, config.turn(), residual, size);
        }
        pass.observe("l_out", layer, residual, hidden);
    }

    /** Keeps x as one of the two states, and makes their sum of it. */
    private static void takeTurns(Pass pass, BlockConfig.Turn turn, float[] residual, int size) {
        float[] own = pass.workspace.get(turn.other() ? Buffer.OTHER_STATE : Buffer.STATE);
        float[] other = pass.workspace.get(turn.other() ? Buffer.STATE : Buffer.OTHER_STATE);
        System.arraycopy(residual, 0, own, 0, size);
        pass.ops.add(other, 0, residual, 0, size);
    }

    /**
     * The addition to the residual stream, and the norm before the feed-forward layer while the row is in the cache; of a parallel
     * block that norm first, as it reads what the mixer read.
     */
    private void afterMixer(Pass pass, int worker, int from, int to) {
        for (int at = from * hidden; at < to * hidden; at += hidden) {
            if (config.parallel()) {
                prepareFeedForward(pass, at);
                addRow(pass, at, config.mixerPostNorm());
            } else {
                addRow(pass, at, config.mixerPostNorm());
                readdInput(pass, at);
                prepareFeedForward(pass, at);
            }
        }
    }

    private void readdInput(Pass pass, int at) {
        Norm norm = config.readdedNorm();
        if (norm != null) {
            float[] residual = pass.workspace.get(Buffer.RESIDUAL);
            pass.ops.add(pass.workspace.get(Buffer.BLOCK_INPUT), at, residual, at, hidden);
            RowNorm.apply(pass.ops, norm, residual, at, residual, at);
        }
    }

    private void prepareFeedForward(Pass pass, int at) {
        float[] residual = pass.workspace.get(Buffer.RESIDUAL);
        float[] input = pass.workspace.get(Input.HIDDEN).values();
        Norm norm = config.ffnNorm();
        if (norm == null) {
            System.arraycopy(residual, at, input, at, hidden);
        } else {
            RowNorm.apply(pass.ops, norm, residual, at, input, at);
        }
    }

    private void afterFeedForward(Pass pass, int worker, int from, int to) {
        for (int at = from * hidden; at < to * hidden; at += hidden) {
            addRow(pass, at, config.ffnPostNorm());
        }
    }

    private void addRow(Pass pass, int at, @Nullable Norm postNorm) {
        float[] residual = pass.workspace.get(Buffer.RESIDUAL);
        float[] output = pass.workspace.get(Buffer.OUTPUT);
        if (postNorm != null && !config.normsAfterAddition()) {
            RowNorm.apply(pass.ops, postNorm, output, at, output, at);
        }
        if (config.normedResidual() > 0) {
            System.arraycopy(pass.workspace.get(Input.HIDDEN).values(), at, residual, at, hidden);
            pass.ops.scale(residual, at, hidden, config.normedResidual());
        }
        pass.ops.axpy(config.residualScale(), output, at, residual, at, hidden);
        if (postNorm != null && config.normsAfterAddition()) {
            RowNorm.apply(pass.ops, postNorm, residual, at, residual, at);
        }
    }
}
