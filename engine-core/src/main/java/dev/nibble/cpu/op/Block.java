package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
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
    private final MixerOp mixer;
    private final FeedForwardOp feedForward;
    private final @Nullable PerLayerInput perLayerInput;
    private final Pass.Job afterMixer = this::afterMixer;
    private final Pass.Job afterFeedForward = this::afterFeedForward;

    public Block(
            BlockConfig config,
            int layer,
            int hidden,
            MixerOp mixer,
            FeedForwardOp feedForward,
            @Nullable PerLayerInput perLayerInput) {
        this.config = config;
        this.layer = layer;
        this.hidden = hidden;
        this.mixer = mixer;
        this.feedForward = feedForward;
        this.perLayerInput = perLayerInput;
    }

    /** x ← x + r · post(mixer(pre(x))), then the feed-forward layer likewise, for the rows of the residual stream. */
    @Override
    public void run(Pass pass) {
        float[] residual = pass.workspace.get(Buffer.RESIDUAL);
        float[] output = pass.workspace.get(Buffer.OUTPUT);
        MatmulInput input = pass.workspace.get(Input.HIDDEN);

        RowNorm.applyToRows(pass, config.mixerNorm(), residual, input.values(), hidden);
        input.reset(pass.rows(), hidden);
        pass.observe("attn_norm", layer, input.values(), hidden);
        mixer.run(pass, input, output);
        pass.observe("attn_out", layer, output, hidden);
        pass.forEach(pass.rows(), pass.rowGrain(), afterMixer);
        pass.observe("ffn_inp", layer, residual, hidden);

        input.reset(pass.rows(), hidden);
        pass.observe("ffn_norm", layer, input.values(), hidden);
        feedForward.run(pass, residual, input, output);
        pass.observe("ffn_out", layer, output, hidden);
        pass.forEach(pass.rows(), pass.rowGrain(), afterFeedForward);
        if (perLayerInput != null) {
            System.arraycopy(residual, 0, input.values(), 0, pass.rows() * hidden);
            input.reset(pass.rows(), hidden);
            perLayerInput.run(pass, input, output);
            pass.ops.add(output, 0, residual, 0, pass.rows() * hidden);
        }
        if (config.outputScale() != 1) {
            pass.ops.scale(residual, 0, pass.rows() * hidden, config.outputScale());
        }
        pass.observe("l_out", layer, residual, hidden);
    }

    /** The addition to the residual stream, and the norm before the feed-forward layer while the row is in the cache. */
    private void afterMixer(Pass pass, int worker, int from, int to) {
        float[] residual = pass.workspace.get(Buffer.RESIDUAL);
        float[] input = pass.workspace.get(Input.HIDDEN).values();
        Norm norm = config.ffnNorm();
        for (int at = from * hidden; at < to * hidden; at += hidden) {
            addRow(pass, at, config.mixerPostNorm());
            if (norm == null) {
                System.arraycopy(residual, at, input, at, hidden);
            } else {
                RowNorm.apply(pass.ops, norm, residual, at, input, at);
            }
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
        pass.ops.axpy(config.residualScale(), output, at, residual, at, hidden);
        if (postNorm != null && config.normsAfterAddition()) {
            RowNorm.apply(pass.ops, postNorm, residual, at, residual, at);
        }
    }
}
