package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.DeltaNetConfig;
import dev.nibble.model.FactoredMap;
import dev.nibble.model.Projection;
import java.util.List;

/** Reads Kimi's delta attention: a delta net whose keys fade element by element, with three convolutions and a sigmoid gate. */
final class KimiDeltaReader {
    private final ModelReader reader;
    private final int[] headCounts;
    private final float bound;
    private final boolean positive;
    private final float keyEpsilon;
    private final int size;
    private final int kernelSize;

    /**
     * @param bound of the decays, below 0; 0 for none
     * @param positive whether {@code ssm_a} is above 0 where there is a bound, else it is below
     * @param keyEpsilon of the norm of queries and keys
     */
    KimiDeltaReader(ModelReader reader, AttentionReader attentions, float bound, boolean positive, float keyEpsilon) {
        this.reader = reader;
        this.bound = bound;
        this.positive = positive;
        this.keyEpsilon = keyEpsilon;
        headCounts = attentions.headCounts;
        size = reader.positive("kda.head_dim");
        kernelSize = reader.positive("ssm.conv_kernel");
    }

    /** {@code kda.gate_lower_bound}, below 0. */
    static float bound(ModelReader reader) {
        String suffix = "kda.gate_lower_bound";
        float bound = reader.metadata.requireFloat(reader.key(suffix));
        if (!(bound < 0) || Float.isInfinite(bound)) {
            throw reader.metadata.failure(reader.key(suffix), "expected a number below 0, found " + bound);
        }
        return bound;
    }

    DeltaNetConfig read(int layer) {
        int heads = headCounts[layer];
        int hidden = reader.hiddenSize;
        int width = reader.times("kda.head_dim", size, heads);
        reader.checkState("kda.head_dim", width, size);
        List<Projection> qkv = List.of(
                reader.projection(block(layer, "attn_q"), hidden, width),
                reader.projection(block(layer, "attn_k"), hidden, width),
                reader.projection(block(layer, "attn_v"), hidden, width));
        String gate = block(layer, "ssm_g");
        return new DeltaNetConfig(
                heads,
                heads,
                false,
                size,
                kernelSize,
                kernels(layer, width),
                qkv,
                keyEpsilon,
                reader.hasTensor(gate + ".weight")
                        ? FactoredMap.of(reader.projection(gate, hidden, width))
                        : factored(gate, width),
                DeltaNetConfig.GateFunction.SIGMOID,
                new DeltaNetConfig.Decay(
                        factored(block(layer, "ssm_f"), width),
                        reader.vector(block(layer, "ssm_dt.bias"), width),
                        rates(layer, heads),
                        bound),
                reader.projection(block(layer, "ssm_beta"), hidden, heads),
                reader.rms(block(layer, "ssm_norm"), size),
                reader.projection(block(layer, "attn_output"), width, hidden));
    }

    /** The convolutions of queries, keys and values, one after the other. */
    private float[] kernels(int layer, int width) {
        float[] all = new float[3 * width * kernelSize];
        int at = 0;
        for (String part : List.of("q", "k", "v")) {
            String name = block(layer, "ssm_conv1d_" + part + ".weight");
            float[] kernel = reader.values(reader.tensor(name, kernelSize, 1, width));
            System.arraycopy(kernel, 0, all, at, kernel.length);
            at += kernel.length;
        }
        return all;
    }

    /** {@code NAME_a} alone, or a low rank and {@code NAME_b} from there. */
    private FactoredMap factored(String name, int width) {
        if (!reader.hasTensor(name + "_b.weight")) {
            return FactoredMap.of(reader.projection(name + "_a", reader.hiddenSize, width));
        }
        int rank = reader.rows(name + "_a.weight");
        return new FactoredMap(
                reader.projection(name + "_a", reader.hiddenSize, rank), reader.projection(name + "_b", rank, width));
    }

    /** {@code ssm_a}, a number for each head, in one dimension or two. */
    private float[] rates(int layer, int heads) {
        String name = block(layer, "ssm_a");
        boolean padded = heads > 1 && reader.tensor(name).shape().dim(0) == 1;
        float[] rates = padded ? reader.values(reader.tensor(name, 1, heads)) : reader.vector(name, heads);
        for (int head = 0; bound < 0 && !positive && head < heads; head++) {
            rates[head] = -rates[head];
        }
        return rates;
    }
}
