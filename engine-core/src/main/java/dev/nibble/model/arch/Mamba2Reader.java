package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Mamba2Config;
import dev.nibble.model.Norm;

/** Reads a Mamba-2 layer: the {@code ssm.*} keys and tensors. */
final class Mamba2Reader {
    private Mamba2Reader() {}

    /**
     * @param normOptional whether the layer may go without the norm before the way out
     */
    static Mamba2Config read(ModelReader reader, int layer, boolean normOptional) {
        int inner = reader.positive("ssm.inner_size");
        int heads = reader.positive("ssm.time_step_rank");
        int stateSize = reader.positive("ssm.state_size");
        int groups = reader.positive("ssm.group_count");
        int kernelSize = reader.positive("ssm.conv_kernel");
        if (inner % heads != 0 || heads % groups != 0 || inner % groups != 0) {
            throw reader.failure("the state-space sizes do not fit together: inner size " + inner + ", " + heads
                    + " heads, " + groups + " groups");
        }
        reader.checkState(inner, stateSize);
        long channels = inner + 2L * groups * stateSize;
        String normName = block(layer, "ssm_norm.weight");
        Norm norm = normOptional && !reader.hasTensor(normName)
                ? null
                : Norm.rms(reader.values(reader.tensor(normName, inner / groups, groups)), reader.rmsEpsilon())
                        .withGroups(groups);
        float[] kernel = reader.values(reader.tensor(block(layer, "ssm_conv1d.weight"), kernelSize, channels));
        float[] bias = reader.optionalVector(block(layer, "ssm_conv1d.bias"), channels);
        return new Mamba2Config(
                heads,
                inner / heads,
                stateSize,
                groups,
                kernelSize,
                kernel,
                bias == null ? new float[(int) channels] : bias,
                reader.projection(block(layer, "ssm_in"), reader.hiddenSize, inner + channels + heads),
                reader.vector(block(layer, "ssm_dt.bias"), heads),
                reader.values(reader.tensor(block(layer, "ssm_a"), 1, heads)),
                reader.values(reader.tensor(block(layer, "ssm_d"), 1, heads)),
                norm,
                reader.projection(block(layer, "ssm_out"), inner, reader.hiddenSize));
    }
}
