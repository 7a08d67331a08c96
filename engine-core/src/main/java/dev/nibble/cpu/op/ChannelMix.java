package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.ChannelMixConfig;
import org.jspecify.annotations.Nullable;

/** A compiled channel mix; the formula stands at {@link ChannelMixConfig}. */
public final class ChannelMix implements MixerOp {
    private final ChannelMixConfig config;
    private final TokenShift shift;
    private final Linear key;
    private final Linear value;
    private final @Nullable Linear receptance;
    private final int hidden;
    private final int size;

    public ChannelMix(ChannelMixConfig config, int layer, LinearFactory linears, Workspace workspace) {
        this.config = config;
        key = linears.create(config.key());
        value = linears.create(config.value());
        receptance = config.receptance() == null ? null : linears.create(config.receptance());
        hidden = key.inputSize();
        size = key.outputSize();
        shift = new TokenShift(layer, hidden);
        workspace.reserve(Buffer.SHIFT, hidden);
        workspace.reserve(Buffer.RECEPTANCE, hidden);
        workspace.reserve(Input.SHIFTED, hidden);
        workspace.reserve(Input.INNER, size);
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] result) {
        shift.begin(pass, input);
        MatmulInput inner = pass.workspace.get(Input.INNER);
        key.apply(pass.pool, shift.mix(pass, input, config.keyShare(), 0, null), inner.values(), 0, size);
        float[] values = inner.values();
        for (int i = 0; i < pass.rows() * size; i++) {
            float x = Math.max(0, values[i]);
            values[i] = x * x;
        }
        inner.reset(pass.rows(), size);
        value.apply(pass.pool, inner, result, 0, hidden);
        if (receptance != null && config.receptanceShare() != null) {
            float[] gates = pass.workspace.get(Buffer.RECEPTANCE);
            receptance.apply(pass.pool, shift.mix(pass, input, config.receptanceShare(), 0, null), gates, 0, hidden);
            for (int i = 0; i < pass.rows() * hidden; i++) {
                result[i] *= TokenShift.sigmoid(gates[i]);
            }
        }
    }
}
