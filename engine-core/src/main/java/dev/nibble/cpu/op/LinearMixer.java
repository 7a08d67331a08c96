package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;

/** A compiled linear map in the place of a mixer. */
public final class LinearMixer implements MixerOp {
    private final Linear map;

    public LinearMixer(Linear map) {
        this.map = map;
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] output) {
        map.apply(pass.pool, input, output, 0, map.outputSize());
    }
}
