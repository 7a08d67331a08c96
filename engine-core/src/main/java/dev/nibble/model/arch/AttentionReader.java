package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.ModelFormatException;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.Projection;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the attention of a block: head counts for each layer, separate or fused projections. */
final class AttentionReader {
    /** More heads than any model has; the scratch memory of attention grows with them. */
    private static final int MAX_HEADS = 4096;

    /** Elements of a head, likewise. */
    private static final int MAX_HEAD_DIM = 1 << 14;

    private final ModelReader reader;
    final int[] headCounts;
    final int[] kvHeadCounts;
    private final boolean causal;

    AttentionReader(ModelReader reader) {
        this.reader = reader;
        causal = reader.flag("attention.causal", true);
        headCounts = reader.perLayerInt("attention.head_count");
        kvHeadCounts = reader.has("attention.head_count_kv")
                ? reader.perLayerInt("attention.head_count_kv")
                : headCounts.clone();
        for (int layer = 0; layer < reader.blockCount; layer++) {
            int heads = headCounts[layer];
            int kvHeads = kvHeadCounts[layer];
            if (heads > MAX_HEADS) {
                throw reader.metadata.failure(
                        reader.key("attention.head_count"), heads + " heads; expected up to " + MAX_HEADS);
            }
            if (kvHeads != 0 && heads % kvHeads != 0) {
                throw cannotShare(layer);
            }
        }
    }

    private ModelFormatException cannotShare(int layer) {
        return reader.metadata.failure(
                reader.key("attention.head_count"),
                headCounts[layer] + " heads cannot share " + kvHeadCounts[layer] + " key/value heads (layer " + layer
                        + ")");
    }

    /** Elements of a key head: {@code attention.key_length}, else hidden size / heads. */
    int headDim(int layer) {
        return headSize(layer, "attention.key_length");
    }

    /** Elements of a value head: {@code attention.value_length}, else as the keys. */
    int valueDim(int layer) {
        return headSize(layer, "attention.value_length");
    }

    private int headSize(int layer, String suffix) {
        if (reader.has(suffix)) {
            return reader.positive(suffix);
        }
        int heads = headCounts[layer];
        if (heads < 1 || reader.hiddenSize % heads != 0) {
            throw reader.metadata.failure(
                    reader.key("attention.head_count"),
                    heads + " heads cannot share the " + reader.hiddenSize + " elements of "
                            + reader.key("embedding_length") + " (layer " + layer + "), and there is no "
                            + reader.key(suffix));
        }
        return reader.hiddenSize / heads;
    }

    /** The attention of a layer with {@code attn_q, attn_k, attn_v} or the fused {@code attn_qkv}. */
    AttentionConfig.Builder read(int layer) {
        return read(layer, headDim(layer), valueDim(layer));
    }

    private AttentionConfig.Builder read(int layer, int headDim, int valueDim) {
        long queryWidth = (long) headCounts[layer] * headDim;
        long keyWidth = (long) kvHeads(layer) * headDim;
        long valueWidth = (long) kvHeads(layer) * valueDim;
        String fused = block(layer, "attn_qkv");
        if (reader.hasTensor(fused + ".weight")) {
            Projection all = reader.projection(fused, reader.hiddenSize, queryWidth + keyWidth + valueWidth);
            return builder(
                    layer,
                    headDim,
                    valueDim,
                    part(all, layer, "attn_q", 0, queryWidth),
                    part(all, layer, "attn_k", queryWidth, keyWidth),
                    part(all, layer, "attn_v", queryWidth + keyWidth, valueWidth));
        }
        return builder(
                layer,
                headDim,
                valueDim,
                project(layer, "attn_q", queryWidth),
                project(layer, "attn_k", keyWidth),
                project(layer, "attn_v", valueWidth));
    }

    /** A part of fused projections, whose biases may be fused like them or stored apart. */
    private Projection part(Projection all, int layer, String name, long first, long width) {
        Projection part = all.rowRange((int) first, (int) width);
        return all.bias() != null
                ? part
                : new Projection(
                        part.weight(), reader.optionalVector(block(layer, name + ".bias"), width), part.scale());
    }

    /** The attention of a layer whose {@code attn_q} gives for each head a query and a gate. */
    AttentionConfig.Builder readGated(int layer) {
        int headDim = headDim(layer);
        int valueDim = valueDim(layer);
        return builder(
                layer,
                headDim,
                valueDim,
                project(layer, "attn_q", 2L * headCounts[layer] * headDim),
                project(layer, "attn_k", (long) kvHeads(layer) * headDim),
                project(layer, "attn_v", (long) kvHeads(layer) * valueDim));
    }

    /** Elements of a key head where a value head has to have as many: the keys with this ending. */
    int commonDim(String ending) {
        int dim = reader.positive("attention.key_length" + ending);
        int valueDim = reader.positive("attention.value_length" + ending, dim);
        if (valueDim != dim) {
            throw reader.metadata.failure(
                    reader.key("attention.value_length" + ending),
                    "expected that of " + reader.key("attention.key_length" + ending) + ", " + dim + ", found "
                            + valueDim);
        }
        return dim;
    }

    /**
     * The attention of a layer that uses the keys and values of layer {@code kvLayer}; where that is the layer itself,
     * {@code attn_v} may be absent: the values are then the keys before their norm.
     */
    AttentionConfig.Builder readShared(int layer, int headDim, int kvLayer) {
        boolean own = kvLayer == layer;
        if (!own) { // models are published with maps for these layers that were not trained
            List.of("attn_k.weight", "attn_v.weight", "attn_k_norm.weight")
                    .forEach(name -> reader.passOver(block(layer, name)));
        }
        long kvWidth = (long) kvHeads(layer) * headDim;
        return builder(
                        layer,
                        headDim,
                        headDim,
                        project(layer, "attn_q", (long) headCounts[layer] * headDim),
                        own ? project(layer, "attn_k", kvWidth) : null,
                        own ? reader.optionalProjection(block(layer, "attn_v"), reader.hiddenSize, kvWidth) : null)
                .kvLayer(kvLayer);
    }

    private AttentionConfig.Builder builder(
            int layer,
            int headDim,
            int valueDim,
            Projection query,
            @Nullable Projection key,
            @Nullable Projection value) {
        if (headDim > MAX_HEAD_DIM || valueDim > MAX_HEAD_DIM) {
            throw reader.failure("layer " + layer + " has heads of " + headDim + " elements with values of " + valueDim
                    + "; expected up to " + MAX_HEAD_DIM);
        }
        int heads = headCounts[layer];
        Projection output = reader.projection(block(layer, "attn_output"), (long) heads * valueDim, reader.hiddenSize);
        AttentionConfig.Builder builder =
                new AttentionConfig.Builder(layer, heads, kvHeads(layer), headDim, valueDim, query, key, value, output);
        // decoders that were turned into encoders say so
        return causal ? builder : builder.bidirectional();
    }

    /** Refuses {@code attention.causal} false where layers see earlier positions only. */
    void requireCausal() {
        if (!causal) {
            throw reader.metadata.failure(
                    reader.key("attention.causal"),
                    "expected true: the layers of the architecture " + reader.architecture
                            + " see earlier positions only, found false");
        }
    }

    /**
     * Which layers have something recurrent in the place of attention: those of {@code attention.recurrent_layers}, else all but
     * the last of each {@code full_attention_interval}, and of those only that run.
     */
    boolean[] recurrentLayers(int defaultInterval) {
        boolean[] given = reader.metadata.optionalBooleans(reader.key("attention.recurrent_layers"));
        if (given != null) {
            reader.checkLength("attention.recurrent_layers", given.length);
            return Arrays.copyOf(Arrays.copyOf(given, reader.layerCount), reader.blockCount);
        }
        int interval = reader.positive("full_attention_interval", defaultInterval);
        boolean[] recurrent = new boolean[reader.blockCount];
        for (int layer = 0; layer < reader.layerCount; layer++) {
            recurrent[layer] = (layer + 1) % interval != 0;
        }
        return recurrent;
    }

    /** {@code attn_gate}, with an output for each head or for each element of the result. */
    AttentionConfig.Gate gate(int layer, AttentionConfig.Gate.Function function) {
        String name = block(layer, "attn_gate");
        int heads = headCounts[layer];
        int rows = reader.rows(name + ".weight");
        long width = rows == heads ? heads : (long) heads * valueDim(layer);
        return new AttentionConfig.Gate(project(layer, "attn_gate", width), function);
    }

    private Projection project(int layer, String name, long width) {
        return reader.projection(block(layer, name), reader.hiddenSize, width);
    }

    private int kvHeads(int layer) {
        if (kvHeadCounts[layer] < 1) {
            throw reader.metadata.failure(
                    reader.key("attention.head_count_kv"), "layer " + layer + " has no key/value heads");
        }
        if (headCounts[layer] < 1) {
            throw cannotShare(layer);
        }
        return kvHeadCounts[layer];
    }

    /**
     * How many of the first layers have keys and values of their own, by {@code attention.shared_kv_layers}: at least
     * two, one of each kind for the layers that follow.
     */
    int ownKvLayers(int defaultShared) {
        int shared = reader.metadata.optionalInt(reader.key("attention.shared_kv_layers"), defaultShared);
        if (shared < 0 || shared > Math.max(0, reader.layerCount - 2)) {
            throw reader.metadata.failure(
                    reader.key("attention.shared_kv_layers"),
                    "expected 0 to " + Math.max(0, reader.layerCount - 2) + ", as at least two of " + reader.layerCount
                            + " layers need keys and values of their own, found " + shared);
        }
        return reader.layerCount - shared;
    }
}
