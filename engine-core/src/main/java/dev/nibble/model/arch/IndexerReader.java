package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.KeyBlocks;
import dev.nibble.model.KeyChoice;
import dev.nibble.model.KeyChoice.Rated;
import dev.nibble.model.Norm;
import dev.nibble.model.Projection;
import dev.nibble.model.RopeConfig;
import org.jspecify.annotations.Nullable;

/** Reads the indexers that choose keys: which layers have one, and which use the choice of a layer before. */
final class IndexerReader {
    private final ModelReader reader;
    private final @Nullable RopeConfig rope;
    private final boolean rotatesEnd;
    private final float epsilon;
    private final int[] own;
    private final int heads;
    private final int keyDim;
    private final int count;
    private final int pool;

    /**
     * @param rope how an indexer's keys turn, null for not at all
     * @param rotatesEnd whether their last elements turn in place of the first
     * @param epsilon of the norm of the keys
     * @param types 1 for layers that have an indexer, where the file does not say; null for all. Blocks that predict are told by
     *     their tensors
     */
    IndexerReader(
            ModelReader reader, @Nullable RopeConfig rope, boolean rotatesEnd, float epsilon, int @Nullable [] types) {
        this.reader = reader;
        this.rope = rope;
        this.rotatesEnd = rotatesEnd;
        this.epsilon = epsilon;
        String suffix = "attention.indexer.types";
        own = types == null || reader.has(suffix) ? reader.perLayerInt(suffix, 1) : types;
        for (int block = reader.layerCount; block < reader.blockCount; block++) {
            own[block] = reader.hasTensor(block(block, "indexer.attn_q_b.weight")) ? 1 : 0;
        }
        heads = reader.positive("attention.indexer.head_count");
        keyDim = reader.positive("attention.indexer.key_length");
        count = reader.positive("attention.indexer.top_k");
        pool = reader.positive("attention.indexer.kpool", 1);
        if (count % pool != 0 || Integer.bitCount(pool) != 1) {
            throw reader.metadata.failure(
                    reader.key("attention.indexer.kpool"),
                    "expected a power of two that divides the " + count + " keys that are chosen, found " + pool);
        }
        if (pool > 1 && !reader.flag("attention.indexer.kpool_select_tail", false)) {
            throw reader.metadata.failure(
                    reader.key("attention.indexer.kpool_select_tail"),
                    "expected true: without the keys of the last pool the first query would see none, found false");
        }
        if (rope != null && rope.dims() > keyDim) {
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
            return new KeyChoice(count / pool, null);
        }
        int rank = reader.positive("attention.q_lora_rank");
        return new KeyChoice(
                count / pool,
                new KeyChoice.Indexer(
                        heads,
                        reader.projection(block(layer, "indexer.attn_q_b"), rank, (long) heads * keyDim),
                        rated(layer),
                        reader.projection(block(layer, "indexer.proj"), reader.hiddenSize, heads),
                        rope,
                        rotatesEnd));
    }

    /** The keys, of positions or, where the file has a size, of pools of positions. */
    private Rated rated(int layer) {
        Projection key = reader.projection(block(layer, "indexer.attn_k"), reader.hiddenSize, keyDim);
        String name = block(layer, "indexer.k_norm");
        Norm norm = new Norm(
                reader.vector(name + ".weight", keyDim),
                reader.optionalVector(name + ".bias", keyDim),
                epsilon,
                Norm.Kind.LAYER);
        if (pool == 1) {
            return new Rated.Positions(key, norm);
        }
        return new Rated.Blocks(new KeyBlocks(
                pool,
                false,
                key,
                norm,
                reader.projection(block(layer, "indexer_compressor_gate"), reader.hiddenSize, keyDim),
                reader.values(reader.tensor(block(layer, "indexer_compressor_ape.weight"), keyDim, pool)),
                null,
                null));
    }
}
