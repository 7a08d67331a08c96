package dev.nibble.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): the keys and values of all heads are linear maps of one
 * small latent vector, and only the latent and one rotated part that the heads share are kept for each position.
 *
 * <p>{@code c, r = latent(h)}, where c is normalized and r rotated. A head's query is {@code (q, p)}, of which p is
 * rotated. The score of a position is {@code scale · (keyUp(q)·c + p·r)}: the map of the keys is applied to the query
 * once in place of every key. The weighted sum of the c is mapped by {@code valueUp} to the head's output.
 *
 * @param headCount heads
 * @param plainDim elements of q, those of a query head that are not rotated
 * @param valueDim elements of a head's output
 * @param queryDown [hidden] to [rank], or null where the queries are made from the hidden state directly
 * @param queryNorm over the rank, null without {@code queryDown}
 * @param query [rank] or [hidden] to [headCount · (plainDim + rotated elements)]
 * @param latent [hidden] to [latent elements + rotated elements]
 * @param latentNorm over the latent elements
 * @param keyUp of each head: [plainDim] to [latent elements]
 * @param valueUp of each head: [latent elements] to [valueDim]
 * @param output [headCount · valueDim] to [hidden]
 * @param rope rotation of p and r, which have as many elements as it rotates
 * @param scale factor of the scores
 * @param temperature growth of the queries with the position, or null
 */
public record LatentAttentionConfig(
        int headCount,
        int plainDim,
        int valueDim,
        @Nullable Projection queryDown,
        @Nullable Norm queryNorm,
        Projection query,
        Projection latent,
        Norm latentNorm,
        List<Projection> keyUp,
        List<Projection> valueUp,
        Projection output,
        RopeConfig rope,
        float scale,
        AttentionConfig.@Nullable Temperature temperature)
        implements Mixer {

    public LatentAttentionConfig {
        keyUp = List.copyOf(keyUp);
        valueUp = List.copyOf(valueUp);
        if (headCount < 1 || plainDim < 1 || valueDim < 1) {
            throw new IllegalArgumentException("a latent attention cannot have " + headCount + " heads with " + plainDim
                    + " elements that are not rotated and values of " + valueDim);
        }
        if (keyUp.size() != headCount || valueUp.size() != headCount) {
            throw new IllegalArgumentException(headCount + " heads need as many key and value maps, not " + keyUp.size()
                    + " and " + valueUp.size());
        }
    }

    /** Elements of c. */
    public int latentDim() {
        return latentNorm.width();
    }

    /** Elements of p and of r. */
    public int rotatedDim() {
        return rope.dims();
    }

    /** Elements of a query head: q and p. */
    public int queryDim() {
        return plainDim + rotatedDim();
    }

    /** What is kept for each position: c and r. */
    public int cacheDim() {
        return latentDim() + rotatedDim();
    }
}
