package dev.nibble.tornado;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Norm;
import dev.nibble.model.RopeConfig;
import dev.nibble.tornado.kernels.AttentionKernels;
import dev.nibble.tornado.kernels.RowKernels;
import dev.nibble.tornado.kernels.Weights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the kernels of a layer are compiled for. Layers of the same shape run the same graph, each with its own row of the
 * table.
 *
 * @param array which array its weights lie in
 * @param types of its projections, as numbers for the kernels
 * @param flags of {@link AttentionKernels#prepare}
 */
record LayerShape(
        int array,
        List<Integer> types,
        int hidden,
        int heads,
        int kvHeads,
        int headDim,
        int valueDim,
        int pairs,
        int flags,
        int ffn,
        int activation,
        boolean mixerNorm,
        boolean mixerPostNorm,
        boolean ffnNorm,
        boolean ffnPostNorm) {

    /** The shape of a block; {@code usualRope} stands in where it has no rotation, so that it can share kernels. */
    static LayerShape of(
            BlockConfig block, int hidden, List<WeightStore.Piece> pieces, @Nullable RopeConfig usualRope) {
        AttentionConfig attention = Support.attention(block);
        FeedForward.Dense dense = Support.dense(block);
        RopeConfig rope = attention.rope() == null ? usualRope : attention.rope();
        int flags = rope != null && rope.style() == RopeConfig.Style.HALVES ? AttentionKernels.HALVES : 0;
        flags |= isWide(attention.queryNorm(), attention.headDim()) ? AttentionKernels.WIDE_QUERY_NORM : 0;
        flags |= isWide(attention.keyNorm(), attention.headDim()) ? AttentionKernels.WIDE_KEY_NORM : 0;
        return new LayerShape(
                pieces.getFirst().array(),
                pieces.stream().map(piece -> Weights.code(piece.type())).toList(),
                hidden,
                attention.headCount(),
                attention.kvHeadCount(),
                attention.headDim(),
                attention.valueDim(),
                rope == null ? 0 : rope.dims() / 2,
                flags,
                dense.up().outputSize(),
                RowKernels.code(dense.activation()),
                block.mixerNorm() != null,
                block.mixerPostNorm() != null,
                block.ffnNorm() != null,
                block.ffnPostNorm() != null);
    }

    private static boolean isWide(@Nullable Norm norm, int headDim) {
        return norm != null && norm.width() != headDim;
    }

    int queryWidth() {
        return heads * headDim;
    }

    int projectedWidth() {
        return queryWidth() + kvHeads * (headDim + valueDim);
    }

    int mixedWidth() {
        return heads * valueDim;
    }
}
