package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import org.jspecify.annotations.Nullable;

/** What layers of RWKV have in common: their input is mixed, element by element, with that of the position before. */
final class TokenShift {
    private final int layer;
    private final int hidden;

    TokenShift(int layer, int hidden) {
        this.layer = layer;
        this.hidden = hidden;
    }

    /** Fills {@link Buffer#SHIFT} with the input of the position before less that of the position, and moves the states on. */
    void begin(Pass pass, MatmulInput input) {
        float[] values = input.values();
        float[] shift = pass.workspace.get(Buffer.SHIFT);
        for (int row = 0; row < pass.rows(); row++) {
            float[] before = pass.sequence(row).state(layer).convolution(pass.isFirst(row));
            int at = row * hidden;
            for (int i = 0; i < hidden; i++) {
                shift[at + i] = before[i] - values[at + i];
            }
            System.arraycopy(values, at, before, 0, hidden);
        }
    }

    /**
     * The input mixed with that of the position before, in {@link Input#SHIFTED}.
     *
     * @param shares the shares of that, [hidden] from {@code offset} on
     * @param more [rows, hidden], added to the shares, or null
     */
    MatmulInput mix(Pass pass, MatmulInput input, float[] shares, int offset, float @Nullable [] more) {
        float[] values = input.values();
        float[] shift = pass.workspace.get(Buffer.SHIFT);
        MatmulInput mixed = pass.workspace.get(Input.SHIFTED);
        float[] out = mixed.values();
        for (int row = 0; row < pass.rows(); row++) {
            int at = row * hidden;
            for (int i = 0; i < hidden; i++) {
                float share = shares[offset + i] + (more == null ? 0 : more[at + i]);
                out[at + i] = values[at + i] + shift[at + i] * share;
            }
        }
        mixed.reset(pass.rows(), hidden);
        return mixed;
    }

    static float sigmoid(float x) {
        return (float) (1 / (1 + Math.exp(-x)));
    }
}
