package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.MambaConfig;
import dev.nibble.model.Norm;
import dev.nibble.model.Projection;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Reads a Mamba layer: the {@code ssm.*} keys and tensors. */
final class MambaReader {
    private final ModelReader reader;
    private final int inner;
    private final int stateSize;
    private final int kernelSize;

    MambaReader(ModelReader reader) {
        this.reader = reader;
        inner = reader.positive("ssm.inner_size");
        stateSize = reader.positive("ssm.state_size");
        kernelSize = reader.positive("ssm.conv_kernel");
        reader.checkState(inner, stateSize);
    }

    /** A layer with a step for each channel; {@code ssm_x} gives t, B and C in this order. */
    MambaConfig read(int layer) {
        int rank = reader.positive("ssm.time_step_rank");
        Projection maps = reader.projection(block(layer, "ssm_x"), inner, rank + 2L * stateSize);
        return config(
                layer,
                inner,
                false,
                maps.rowRange(0, rank),
                maps.rowRange(rank, stateSize),
                maps.rowRange(rank + stateSize, stateSize),
                reader.values(reader.tensor(block(layer, "ssm_a"), stateSize, inner)));
    }

    /** A layer of PLaMo 2, with a step for each head; {@code ssm_x} gives B, C and t, {@code ssm_in} z and x head by head. */
    MambaConfig readByHeads(int layer) {
        int heads = reader.positive("ssm.time_step_rank");
        int rank = Math.max(64, reader.hiddenSize / 16);
        Projection maps = reader.projection(block(layer, "ssm_x"), inner, rank + 2L * stateSize);
        float[] ofHeads = reader.vector(block(layer, "ssm_a"), heads);
        float[] a = new float[heads * stateSize];
        for (int head = 0; head < heads; head++) {
            Arrays.fill(a, head * stateSize, (head + 1) * stateSize, ofHeads[head]);
        }
        return config(
                layer,
                heads,
                true,
                maps.rowRange(2 * stateSize, rank),
                maps.rowRange(0, stateSize),
                maps.rowRange(stateSize, stateSize),
                a);
    }

    private MambaConfig config(
            int layer, int heads, boolean interleaved, Projection lowStep, Projection b, Projection c, float[] a) {
        String kernel = block(layer, "ssm_conv1d");
        return new MambaConfig(
                heads,
                inner,
                stateSize,
                kernelSize,
                reader.values(reader.tensor(kernel + ".weight", kernelSize, inner)),
                reader.optionalVector(kernel + ".bias", inner),
                reader.projection(block(layer, "ssm_in"), reader.hiddenSize, 2L * inner),
                interleaved,
                lowStep,
                norm(block(layer, "ssm_dt_norm"), lowStep.outputSize()),
                b,
                norm(block(layer, "ssm_b_norm"), stateSize),
                c,
                norm(block(layer, "ssm_c_norm"), stateSize),
                reader.projection(block(layer, "ssm_dt"), lowStep.outputSize(), heads),
                a,
                reader.vector(block(layer, "ssm_d"), heads),
                reader.projection(block(layer, "ssm_out"), inner, reader.hiddenSize));
    }

    /** An RMS norm with weights, without, as Falcon Mamba has it, or none. */
    private @Nullable Norm norm(String name, int size) {
        for (String tensor : new String[] {name + ".weight", name}) {
            if (reader.hasTensor(tensor)) {
                return Norm.rms(reader.vector(tensor, size), reader.rmsEpsilon());
            }
        }
        if (!reader.flag("ssm.dt_b_c_rms", false)) {
            return null;
        }
        float[] ones = new float[size];
        Arrays.fill(ones, 1);
        return Norm.rms(ones, reader.rmsEpsilon());
    }
}
