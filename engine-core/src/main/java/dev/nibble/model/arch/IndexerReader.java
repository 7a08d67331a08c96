package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.KeyChoice;
import dev.nibble.model.Norm;
import dev.nibble.model.RopeConfig;
import org.jspecify.annotations.Nullable;

/** Reads the indexers that choose keys: which layers have one, and which use the choice of a layer before. */
final class IndexerReader {
    private final ModelReader reader;
    private final RopeConfig rope;
    private final boolean rotatesEnd;
    private final float epsilon;
    private final int[] own;
    private final int heads;
    private final int keyDim;
    private final int count;

    /**
     * @param rope how an indexer's keys turn
     * @param rotatesEnd whether their last elements turn in place of the first
     * @param epsilon of the norm of the keys
     * @param types 1 for layers that have an indexer, where the file does not say; null for all
     */
    IndexerReader(ModelReader reader, RopeConfig rope, boolean rotatesEnd, float epsilon, int @Nullable [] types) {
        this.reader = reader;
        this.rope = rope;
        this.rotatesEnd = rotatesEnd;
        this.epsilon = epsilon;
        String suffix = "attention.indexer.types";
        own = types == null || reader.has(suffix) ? reader.perLayerInt(suffix, 1) : types;
        heads = reader.positive("attention.indexer.head_count");
        keyDim = reader.positive("attention.indexer.key_length");
        count = reader.positive("attention.indexer.top_k");
        if (rope.dims() > keyDim) {
            throw reader.metadata.failure(
                    reader.key("attention.indexer.key_length"),
                    "expected at least the " + rope.dims() + " elements that turn, found " + keyDim);
        }
    }

    /** What chooses the keys of a layer, which has queries of low rank. */
    KeyChoice read(int layer) {
        if (own[layer] == 0) {
            if (layer == 0) {
                throw reader.metadata.failure(
                        reader.key("attention.indexer.types"),
                        "the first layer has no layer before whose choice it could use; expected 1, found 0");
            }
            return new KeyChoice(count, null);
        }
        int rank = reader.positive("attention.q_lora_rank");
        String norm = block(layer, "indexer.k_norm");
        return new KeyChoice(
                count,
                new KeyChoice.Indexer(
                        heads,
                        reader.projection(block(layer, "indexer.attn_q_b"), rank, (long) heads * keyDim),
                        reader.projection(block(layer, "indexer.attn_k"), reader.hiddenSize, keyDim),
                        new Norm(
                                reader.vector(norm + ".weight", keyDim),
                                reader.optionalVector(norm + ".bias", keyDim),
                                epsilon,
                                Norm.Kind.LAYER),
                        reader.projection(block(layer, "indexer.proj"), reader.hiddenSize, heads),
                        rope,
                        rotatesEnd));
    }
}
