package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.ShortConvolutionConfig;

/** A compiled gated short convolution. */
public final class ShortConvolution implements MixerOp {
    private final int layer;
    private final int hidden;
    private final Linear inputProjection;
    private final Linear output;
    private final CausalConvolution convolution;

    public ShortConvolution(ShortConvolutionConfig config, int layer, LinearFactory linears, Workspace workspace) {
        this.layer = layer;
        inputProjection = linears.create(config.input());
        output = linears.create(config.output());
        hidden = output.inputSize();
        convolution = new CausalConvolution(config.kernel(), config.kernelSize());
        workspace.reserve(Buffer.SHORT_CONVOLUTION_INPUT, 3 * hidden);
        workspace.reserve(Input.MIXED, hidden);
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] result) {
        float[] bcx = pass.workspace.get(Buffer.SHORT_CONVOLUTION_INPUT); // [rows, 3, hidden]
        inputProjection.apply(pass.pool, input, bcx, 0, 3 * hidden);
        MatmulInput mixed = pass.workspace.get(Input.MIXED);
        float[] values = mixed.values();
        for (int row = 0; row < pass.rows(); row++) {
            int b = 3 * row * hidden;
            int c = b + hidden;
            int x = c + hidden;
            for (int i = 0; i < hidden; i++) {
                bcx[x + i] *= bcx[b + i];
            }
            float[] before = pass.sequence(row).state(layer).convolution(pass.isFirst(row));
            convolution.step(before, bcx, x, values, row * hidden);
            for (int i = 0; i < hidden; i++) {
                values[row * hidden + i] *= bcx[c + i];
            }
        }
        mixed.reset(pass.rows(), hidden);
        output.apply(pass.pool, mixed, result, 0, hidden);
    }
}
