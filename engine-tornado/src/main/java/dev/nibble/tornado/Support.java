package dev.nibble.tornado;

import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.UnsupportedModelException;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Mixer;
import dev.nibble.model.Model;
import dev.nibble.model.Norm;
import dev.nibble.model.Projection;
import dev.nibble.tensor.Tensor;
import dev.nibble.tornado.kernels.AttentionKernels;
import dev.nibble.tornado.kernels.RowKernels;
import dev.nibble.tornado.kernels.Weights;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What this backend lacks, by name. */
final class Support {
    private Support() {}

    /**
     * Checks that a model can run.
     *
     * @throws UnsupportedModelException naming the first thing the kernels lack
     */
    static void check(Model model, LoadOptions options) {
        checkCache(options.kvCacheTypes().keys());
        checkCache(options.kvCacheTypes().values());
        require(model.output() != null && model.pooling() == null, "embedding models", -1);
        require(model.adapters().isEmpty(), "adapters", -1);
        require(model.encoder() == null, "encoders", -1);
        require(model.embeddingInput() == null, "inputs other than the token embedding", -1);
        checkNorm(model.outputNorm(), -1);
        checkMatrix(model.tokenEmbedding(), -1);
        checkMatrix(Objects.requireNonNull(model.output()).weight(), -1);
        for (int layer = 0; layer < model.blocks().size(); layer++) {
            check(model.blocks().get(layer), layer);
        }
    }

    static void checkCache(KvCacheType type) {
        if (type != KvCacheType.F16) {
            throw new UnsupportedModelException("the backend tornado keeps keys and values as F16, not as " + type
                    + ": ask for F16 (LoadOptions.withKvCacheType, --kv f16) or for the backend cpu");
        }
    }

    private static void check(BlockConfig block, int layer) {
        require(block.mixer() != null && block.ffn() != null, "blocks without a mixer or a feed-forward layer", layer);
        require(!block.parallel(), "blocks whose parts run side by side", layer);
        require(block.embeddingShare() == 0, "a share of the embedding added to a block", layer);
        require(block.turn() == null, "states that take turns", layer);
        require(block.outputNorm() == null, "a norm at the end of a block", layer);
        require(block.readdedNorm() == null, "an input that is added twice", layer);
        require(!block.normsAfterAddition(), "norms after the residual addition", layer);
        require(block.outputScale() == 1, "a factor of a block's output", layer);
        require(block.perLayerInput() == null, "per-layer inputs", layer);
        require(block.altUp() == null, "AltUp streams", layer);
        require(block.normedResidual() == 0, "normalized residuals", layer);
        require(block.connections() == null, "several residual streams", layer);
        Stream.of(block.mixerNorm(), block.mixerPostNorm(), block.ffnNorm(), block.ffnPostNorm())
                .forEach(norm -> checkNorm(norm, layer));
        if (!(block.mixer() instanceof AttentionConfig attention)) {
            throw lacking("mixers other than attention (" + name(block.mixer()) + ")", layer);
        }
        check(attention, layer);
        if (!(block.ffn() instanceof FeedForward.Dense dense)) {
            throw lacking("experts", layer);
        }
        require(dense.gate() != null, "feed-forward layers without a gate", layer);
        require(dense.sparsity() == 0, "sparse gates", layer);
        require(dense.innerNorm() == null, "norms within a feed-forward layer", layer);
        require(RowKernels.code(dense.activation()) >= 0, "the activation " + dense.activation(), layer);
        projections(block).forEach(projection -> checkMatrix(projection.weight(), layer));
    }

    private static void check(AttentionConfig attention, int layer) {
        require(attention.kvLayer() == layer && attention.key() != null, "keys and values of another layer", layer);
        require(attention.value() != null, "keys that serve as values", layer);
        require(attention.valueNormEpsilon() == 0, "norms of the values", layer);
        require(attention.sinks() == null, "attention sinks", layer);
        require(attention.gate() == null, "gated attention outputs", layer);
        require(attention.mixedNorm() == null, "norms of what the attention hands on", layer);
        require(attention.clamp() == 0, "limits of queries, keys and values", layer);
        require(attention.slopes() == null, "ALiBi", layer);
        require(!attention.chunked(), "attention within chunks", layer);
        require(
                !attention.normsAfterRope() || attention.queryNorm() == null && attention.keyNorm() == null,
                "norms after the rotation",
                layer);
        require(attention.relativeBias() == null, "biases by distance", layer);
        require(attention.causal(), "attention in both directions", layer);
        require(
                Math.max(attention.headDim(), attention.valueDim()) <= AttentionKernels.MAX_HEAD,
                "heads of more than " + AttentionKernels.MAX_HEAD + " elements",
                layer);
        checkNorm(attention.queryNorm(), layer);
        checkNorm(attention.keyNorm(), layer);
    }

    private static void checkNorm(@Nullable Norm norm, int layer) {
        require(norm == null || norm.kind() == Norm.Kind.RMS && norm.bias() == null, "layer norms", layer);
        require(norm == null || norm.groups() == 1, "norms of parts of a row", layer);
    }

    private static String name(@Nullable Mixer mixer) {
        return mixer == null ? "none" : mixer.getClass().getSimpleName();
    }

    private static void checkMatrix(Tensor matrix, int layer) {
        if (matrix.columns() % Weights.UNIT != 0) {
            throw lacking(
                    "matrices whose rows are no multiple of " + Weights.UNIT + " elements (" + matrix.name() + " has "
                            + matrix.columns() + ")",
                    layer);
        }
    }

    /** The attention of a block that is supported. */
    static AttentionConfig attention(BlockConfig block) {
        return (AttentionConfig) Objects.requireNonNull(block.mixer());
    }

    /** The feed-forward layer of a block that is supported. */
    static FeedForward.Dense dense(BlockConfig block) {
        return (FeedForward.Dense) Objects.requireNonNull(block.ffn());
    }

    /** The weights of a supported block in the order of the table's columns. */
    static List<Projection> projections(BlockConfig block) {
        AttentionConfig attention = attention(block);
        FeedForward.Dense dense = dense(block);
        return List.of(
                attention.query(),
                Objects.requireNonNull(attention.key()),
                Objects.requireNonNull(attention.value()),
                attention.output(),
                Objects.requireNonNull(dense.gate()),
                dense.up(),
                dense.down());
    }

    private static void require(boolean supported, String feature, int layer) {
        if (!supported) {
            throw lacking(feature, layer);
        }
    }

    private static UnsupportedModelException lacking(String feature, int layer) {
        return new UnsupportedModelException("the backend tornado lacks " + feature
                + (layer < 0 ? "" : " (block " + layer + ")") + "; the backend cpu has them");
    }
}
