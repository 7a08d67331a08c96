package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.Projection;
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
        causal = reader.metadata.optionalBoolean(reader.key("attention.causal"), true);
        headCounts = reader.perLayerInt("attention.head_count");
        kvHeadCounts = reader.has("attention.head_count_kv")
                ? reader.perLayerInt("attention.head_count_kv")
                : headCounts.clone();
        for (int layer = 0; layer < reader.layerCount; layer++) {
            int heads = headCounts[layer];
            int kvHeads = kvHeadCounts[layer];
            if (heads > MAX_HEADS) {
                throw reader.metadata.failure(
                        reader.key("attention.head_count"), heads + " heads; expected up to " + MAX_HEADS);
            }
            if (kvHeads != 0 && (heads < 1 || heads % kvHeads != 0)) {
                throw reader.metadata.failure(
                        reader.key("attention.head_count"),
                        heads + " heads cannot share " + kvHeads + " key/value heads (layer " + layer + ")");
            }
        }
    }

    /** Elements of a key head: {@code attention.key_length}, else hidden size / heads. */
    int headDim(int layer) {
        return reader.positive("attention.key_length", reader.hiddenSize / Math.max(1, headCounts[layer]));
    }

    /** Elements of a value head: {@code attention.value_length}, else as the keys. */
    int valueDim(int layer) {
        return reader.positive("attention.value_length", reader.hiddenSize / Math.max(1, headCounts[layer]));
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
                    all.rowRange(0, (int) queryWidth),
                    all.rowRange((int) queryWidth, (int) keyWidth),
                    all.rowRange((int) (queryWidth + keyWidth), (int) valueWidth));
        }
        return builder(
                layer,
                headDim,
                valueDim,
                project(layer, "attn_q", queryWidth),
                project(layer, "attn_k", keyWidth),
                project(layer, "attn_v", valueWidth));
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

    /**
     * The attention of a layer that uses the keys and values of layer {@code kvLayer}; where that is the layer itself,
     * {@code attn_v} may be absent: the values are then the keys before their norm.
     */
    AttentionConfig.Builder readShared(int layer, int headDim, int kvLayer) {
        boolean own = kvLayer == layer;
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

    private Projection project(int layer, String name, long width) {
        return reader.projection(block(layer, name), reader.hiddenSize, width);
    }

    private int kvHeads(int layer) {
        if (kvHeadCounts[layer] < 1) {
            throw reader.metadata.failure(
                    reader.key("attention.head_count_kv"), "layer " + layer + " has no key/value heads");
        }
        return kvHeadCounts[layer];
    }

    /**
     * How many of the first layers have keys and values of their own, by {@code attention.shared_kv_layers}: at least
     * two, one of each kind for the layers that follow.
     */
    int ownKvLayers(int defaultShared) {
        int shared = reader.optionalInt("attention.shared_kv_layers", defaultShared);
        if (shared < 0 || shared > Math.max(0, reader.layerCount - 2)) {
            throw reader.metadata.failure(
                    reader.key("attention.shared_kv_layers"),
                    "expected 0 to " + Math.max(0, reader.layerCount - 2) + ", as at least two of " + reader.layerCount
                            + " layers need keys and values of their own, found " + shared);
        }
        return reader.layerCount - shared;
    }
}
