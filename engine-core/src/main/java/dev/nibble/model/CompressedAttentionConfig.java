package dev.nibble.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * DeepSeek-V4's attention: one key that is its own value, shared by all heads, within a window, and beyond it keys of whole blocks of
 * positions, all or those that an indexer chooses.
 *
 * <p>{@code q = headNorm(query(queryNorm(queryDown(h))))} and {@code k = keyNorm(key(h))} have their last elements rotated. What a
 * head returns, the weighted sum of keys, is rotated back by the query's position. The heads form groups of the same size, whose
 * results each go through a map of their own to a low rank; {@code output} reads all groups.
 *
 * @param headCount heads
 * @param queryDown [hidden] to [rank]
 * @param queryNorm over the rank
 * @param query [rank] to [headCount · headDim]
 * @param headNorm over a head of the queries
 * @param key [hidden] to [headDim]
 * @param keyNorm over the key
 * @param rope rotation of the last elements
 * @param scale factor of the scores
 * @param window how many positions a query sees, itself included
 * @param sinks [headCount] scores of a virtual key without a value, or null
 * @param blocks keys of blocks, of which a query sees those that are complete; or null
 * @param choice which of these keys are read, or null for all
 * @param groups of each group: [heads of it · headDim] to a low rank
 * @param output [groups · low rank] to [hidden]
 */
public record CompressedAttentionConfig(
        int headCount,
        Projection queryDown,
        Norm queryNorm,
        Projection query,
        Norm headNorm,
        Projection key,
        Norm keyNorm,
        RopeConfig rope,
        float scale,
        int window,
        float @Nullable [] sinks,
        @Nullable KeyBlocks blocks,
        @Nullable KeyChoice choice,
        List<Projection> groups,
        Projection output)
        implements Mixer {

    public CompressedAttentionConfig {
        groups = List.copyOf(groups);
        int headDim = key.outputSize();
        if (headCount < 1
                || window < 1
                || groups.isEmpty()
                || headCount % groups.size() != 0
                || query.outputSize() != headCount * headDim
                || rope.dims() > headDim) {
            throw new IllegalArgumentException("an attention cannot have " + headCount + " heads in " + groups.size()
                    + " groups, queries of " + query.outputSize() + " elements, keys of " + headDim + " of which "
                    + rope.dims() + " are rotated, and a window of " + window);
        }
        if (blocks != null && blocks.keyDim() != headDim || choice != null && blocks == null) {
            throw new IllegalArgumentException("keys of blocks are as wide as others, " + headDim + " elements");
        }
    }

    /** Elements of a query and of a key head. */
    public int headDim() {
        return key.outputSize();
    }

    /** What rates the keys of blocks, null where nothing in this layer does. */
    public KeyChoice.@Nullable Indexer indexer() {
        return choice == null ? null : choice.indexer();
    }
}
