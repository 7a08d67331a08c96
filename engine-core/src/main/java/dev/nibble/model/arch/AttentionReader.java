package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.Projection;
import org.jspecify.annotations.Nullable;

/** Reads the attention of a block: head counts for each layer, separate or fused projections. */
final class AttentionReader {
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
        int queryWidth = headCounts[layer] * headDim;
        int keyWidth = kvHeads(layer) * headDim;
        int valueWidth = kvHeads(layer) * valueDim;
        String fused = block(layer, "attn_qkv");
        if (reader.hasTensor(fused + ".weight")) {
            Projection all = reader.projection(fused, reader.hiddenSize, queryWidth + keyWidth + valueWidth);
            return builder(
                    layer,
                    headDim,
                    valueDim,
                    all.rowRange(0, queryWidth),
                    all.rowRange(queryWidth, keyWidth),
                    all.rowRange(queryWidth + keyWidth, valueWidth));
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
                project(layer, "attn_q", 2 * headCounts[layer] * headDim),
                project(layer, "attn_k", kvHeads(layer) * headDim),
                project(layer, "attn_v", kvHeads(layer) * valueDim));
    }

    /**
     * The attention of a layer that uses the keys and values of layer {@code kvLayer}; where that is the layer itself,
     * {@code attn_v} may be absent: the values are then the keys before their norm.
     */
    AttentionConfig.Builder readShared(int layer, int headDim, int kvLayer) {
        boolean own = kvLayer == layer;
        int kvWidth = kvHeads(layer) * headDim;
        return builder(
                        layer,
                        headDim,
                        headDim,
                        project(layer, "attn_q", headCounts[layer] * headDim),
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
        int heads = headCounts[layer];
        Projection output = reader.projection(block(layer, "attn_output"), heads * valueDim, reader.hiddenSize);
        AttentionConfig.Builder builder =
                new AttentionConfig.Builder(layer, heads, kvHeads(layer), headDim, valueDim, query, key, value, output);
        // decoders that were turned into encoders say so
        return causal ? builder : builder.bidirectional();
    }

    private Projection project(int layer, String name, int width) {
        return reader.projection(block(layer, name), reader.hiddenSize, width);
    }

    private int kvHeads(int layer) {
        if (kvHeadCounts[layer] < 1) {
            throw reader.metadata.failure(
                    reader.key("attention.head_count_kv"), "layer " + layer + " has no key/value heads");
        }
        return kvHeadCounts[layer];
    }
}
