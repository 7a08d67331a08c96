package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.Model;

/**
 * A compiled block of Gemma 3n: predicts all streams, computes the active one, corrects the others by what it learnt,
 * and adds the per-layer input to all but the first.
 */
public final class AltUpBlock implements BlockOp {
    private final BlockConfig config;
    private final BlockConfig.AltUp altUp;
    private final int layer;
    private final int hidden;
    private final int streams;
    private final int active;
    private final MixerOp mixer;
    private final FeedForwardOp feedForward;
    private final PerLayerInput perLayerInput;
    private final Linear router;
    private final Linear predict;
    private final Linear correct;
    private final Linear laurelLeft;
    private final Linear laurelRight;

    public AltUpBlock(
            BlockConfig config,
            BlockConfig.AltUp altUp,
            int layer,
            Model.Streams streams,
            MixerOp mixer,
            FeedForwardOp feedForward,
            PerLayerInput perLayerInput,
            LinearFactory linears,
            Workspace workspace) {
        this.config = config;
        this.altUp = altUp;
        this.layer = layer;
        this.streams = streams.count();
        this.active = streams.active();
        this.mixer = mixer;
        this.feedForward = feedForward;
        this.perLayerInput = perLayerInput;
        router = linears.create(altUp.router());
        predict = linears.create(altUp.predict());
        correct = linears.create(altUp.correct());
        laurelLeft = linears.create(altUp.laurelLeft());
        laurelRight = linears.create(altUp.laurelRight());
        hidden = router.inputSize();
        workspace.reserve(Buffer.STREAMS, (long) this.streams * hidden);
        workspace.reserve(Buffer.PREDICTED, (long) this.streams * hidden);
        workspace.reserve(Buffer.LAUREL, hidden);
        workspace.reserve(Buffer.STREAM_MIX, this.streams * this.streams);
        workspace.reserve(Input.MODALITIES, this.streams);
        workspace.reserve(Input.LAUREL_LOW, laurelLeft.outputSize());
    }

    @Override
    public void run(Pass pass) {
        int size = pass.rows() * hidden;
        float[] all = pass.workspace.get(Buffer.STREAMS); // [streams, rows, hidden]
        float[] predicted = pass.workspace.get(Buffer.PREDICTED);
        float[] residual = pass.workspace.get(Buffer.RESIDUAL); // the active stream
        float[] output = pass.workspace.get(Buffer.OUTPUT);
        MatmulInput input = pass.workspace.get(Input.HIDDEN);
        predict(pass, all, predicted);
        System.arraycopy(predicted, active * size, residual, 0, size);

        RowNorm.applyToRows(pass, config.mixerNorm(), residual, input.values(), hidden);
        input.reset(pass.rows(), hidden);
        pass.observe("attn_norm", layer, input.values(), hidden);
        float[] laurel = laurel(pass, input);
        mixer.run(pass, input, output);
        RowNorm.applyToRows(pass, config.mixerPostNorm(), output, output, hidden);
        pass.ops.add(output, 0, residual, 0, size);
        pass.ops.add(laurel, 0, residual, 0, size);
        pass.ops.scale(residual, 0, size, (float) Math.sqrt(0.5));
        pass.observe("attn_laurel", layer, residual, hidden);

        RowNorm.applyToRows(pass, config.ffnNorm(), residual, input.values(), hidden);
        input.reset(pass.rows(), hidden);
        feedForward.run(pass, residual, input, output);
        RowNorm.applyToRows(pass, config.ffnPostNorm(), output, output, hidden);
        pass.ops.add(output, 0, residual, 0, size);

        correct(pass, all, predicted, residual);
        addPerLayerInput(pass, all);
        pass.observe("l_out", layer, all, hidden);
    }

    /** Every stream plus a mix of all streams; the mix depends on the active one. */
    private void predict(Pass pass, float[] all, float[] predicted) {
        int size = pass.rows() * hidden;
        MatmulInput modalities = modalities(pass, all, active * size);
        float[] mix = pass.workspace.get(Buffer.STREAM_MIX); // [rows, to, from]
        predict.apply(pass.pool, modalities, mix, 0, streams * streams);
        System.arraycopy(all, 0, predicted, 0, streams * size);
        for (int row = 0; row < pass.rows(); row++) {
            for (int to = 0; to < streams; to++) {
                for (int from = 0; from < streams; from++) {
                    pass.ops.axpy(
                            mix[(row * streams + to) * streams + from],
                            all,
                            from * size + row * hidden,
                            predicted,
                            to * size + row * hidden,
                            hidden);
                }
            }
        }
    }

    /** Every predicted stream plus a share of what the active stream's computation changed. */
    private void correct(Pass pass, float[] all, float[] predicted, float[] activated) {
        int size = pass.rows() * hidden;
        MatmulInput modalities = modalities(pass, activated, 0);
        float[] shares = pass.workspace.get(Buffer.STREAM_MIX); // [rows, streams]
        correct.apply(pass.pool, modalities, shares, 0, streams);
        pass.ops.axpy(-1, predicted, active * size, activated, 0, size);
        System.arraycopy(predicted, 0, all, 0, streams * size);
        for (int row = 0; row < pass.rows(); row++) {
            for (int stream = 0; stream < streams; stream++) {
                pass.ops.axpy(
                        1 + shares[row * streams + stream],
                        activated,
                        row * hidden,
                        all,
                        stream * size + row * hidden,
                        hidden);
            }
        }
    }

    /** tanh(router(norm(x) / hidden)). */
    private MatmulInput modalities(Pass pass, float[] values, int offset) {
        MatmulInput input = pass.workspace.get(Input.HIDDEN);
        for (int row = 0; row < pass.rows(); row++) {
            RowNorm.apply(pass.ops, altUp.routerNorm(), values, offset + row * hidden, input.values(), row * hidden);
        }
        pass.ops.scale(input.values(), 0, pass.rows() * hidden, 1f / hidden);
        input.reset(pass.rows(), hidden);
        MatmulInput modalities = pass.workspace.get(Input.MODALITIES);
        router.apply(pass.pool, input, modalities.values(), 0, streams);
        for (int i = 0; i < pass.rows() * streams; i++) {
            modalities.values()[i] = (float) Math.tanh(modalities.values()[i]);
        }
        modalities.reset(pass.rows(), streams);
        return modalities;
    }

    /** x + norm(right(left(x))). */
    private float[] laurel(Pass pass, MatmulInput input) {
        float[] out = pass.workspace.get(Buffer.LAUREL);
        MatmulInput low = pass.workspace.get(Input.LAUREL_LOW);
        laurelLeft.apply(pass.pool, input, low.values(), 0, laurelLeft.outputSize());
        low.reset(pass.rows(), laurelLeft.outputSize());
        laurelRight.apply(pass.pool, low, out, 0, hidden);
        RowNorm.applyToRows(pass, altUp.laurelNorm(), out, out, hidden);
        pass.ops.add(input.values(), 0, out, 0, pass.rows() * hidden);
        return out;
    }

    private void addPerLayerInput(Pass pass, float[] all) {
        int size = pass.rows() * hidden;
        MatmulInput input = pass.workspace.get(Input.HIDDEN);
        for (int row = 0; row < pass.rows(); row++) {
            int at = row * hidden;
            pass.ops.scaleMultiply(all, active * size + at, 1, altUp.correctScale(), 0, input.values(), at, hidden);
        }
        input.reset(pass.rows(), hidden);
        float[] output = pass.workspace.get(Buffer.OUTPUT);
        perLayerInput.run(pass, input, output);
        for (int stream = 1; stream < streams; stream++) {
            pass.ops.add(output, 0, all, stream * size, size);
        }
    }
}
