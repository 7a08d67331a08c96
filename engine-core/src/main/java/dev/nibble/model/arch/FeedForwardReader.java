package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.Projection;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reads the feed-forward layers: dense, with gate and up apart or fused in one tensor, or a mixture of experts. */
final class FeedForwardReader {
    private final ModelReader reader;
    private final Activation activation;
    private final boolean gated;
    private final int[] sizes;

    FeedForwardReader(ModelReader reader, Activation activation) {
        this(reader, activation, true);
    }

    /**
     * @param gated whether the layers have a gate beside the up projection
     */
    FeedForwardReader(ModelReader reader, Activation activation, boolean gated) {
        this.reader = reader;
        this.activation = activation;
        this.gated = gated;
        sizes = reader.perLayerInt("feed_forward_length", 0);
    }

    /** Whether a layer has a feed-forward layer at all, by its size. */
    boolean isAbsent(int layer) {
        return sizes[layer] == 0;
    }

    int size(int layer) {
        if (sizes[layer] < 1) {
            throw reader.metadata.failure(
                    reader.key("feed_forward_length"), "layer " + layer + " needs a size above 0");
        }
        return sizes[layer];
    }

    /** Size of an expert: {@code expert_feed_forward_length}, else as a dense layer. */
    int expertSize(int layer) {
        if (!reader.has("expert_feed_forward_length")) {
            return size(layer);
        }
        int size = reader.perLayerInt("expert_feed_forward_length")[layer];
        if (size < 1) {
            throw reader.metadata.failure(
                    reader.key("expert_feed_forward_length"), "layer " + layer + " needs a size above 0");
        }
        return size;
    }

    /**
     * {@code ffn_gate, ffn_up, ffn_down}; without {@code ffn_gate}, {@code ffn_up} holds gate and up, unless layers have no
     * gate here.
     */
    FeedForward.Dense dense(int layer) {
        return gated ? dense(layer, size(layer)) : ungated(layer);
    }

    FeedForward.Dense dense(int layer, int size) {
        String up = block(layer, "ffn_up");
        Projection down = reader.projection(block(layer, "ffn_down"), size, reader.hiddenSize);
        if (reader.hasTensor(block(layer, "ffn_gate.weight"))) {
            return new FeedForward.Dense(
                    reader.projection(block(layer, "ffn_gate"), reader.hiddenSize, size),
                    reader.projection(up, reader.hiddenSize, size),
                    down,
                    activation);
        }
        Projection both = reader.projection(up, reader.hiddenSize, 2L * size);
        return new FeedForward.Dense(both.rowRange(0, size), both.rowRange(size, size), down, activation);
    }

    /** {@code ffn_up, ffn_down}, nothing else. */
    FeedForward.Dense ungated(int layer) {
        int size = size(layer);
        return new FeedForward.Dense(
                null,
                reader.projection(block(layer, "ffn_up"), reader.hiddenSize, size),
                reader.projection(block(layer, "ffn_down"), size, reader.hiddenSize),
                activation);
    }

    /** {@code expert_gating_func}, or what the architecture has where the file does not say. */
    Gating gating(Gating defaultGating) {
        int function = reader.count("expert_gating_func", 0);
        return switch (function) {
            case 0 -> defaultGating;
            case 1 -> Gating.SOFTMAX;
            case 2 -> Gating.SIGMOID;
            case 3 -> Gating.SOFTMAX_OF_CHOSEN;
            case 4 -> Gating.SQRT_SOFTPLUS;
            default ->
                throw reader.metadata.failure(
                        reader.key("expert_gating_func"),
                        "expected 1 (softmax), 2 (sigmoid), 3 (softmax of the chosen) or 4 (square root of softplus),"
                                + " found " + function);
        };
    }

    /** {@code expert_group_count} and {@code expert_group_used_count}, null where all experts are one group. */
    private Routing.@Nullable Groups groups(int experts, int expertsUsed) {
        int count = reader.count("expert_group_count", 0);
        if (count <= 1) {
            return null;
        }
        int used = reader.positive("expert_group_used_count");
        int size = experts / count;
        if (experts % count != 0 || size < 2 || used > count || (long) used * size < expertsUsed) {
            throw reader.metadata.failure(
                    reader.key("expert_group_count"),
                    experts + " experts cannot form " + count + " groups of two or more, of which " + used
                            + " are to hold the " + expertsUsed + " that are used");
        }
        return new Routing.Groups(count, used);
    }

    /** Refuses a file that says otherwise than the architecture, which for most leaves no choice. */
    private void checkFixed(Gating gating, boolean normalize) {
        Gating asked = gating(gating);
        boolean same = asked == gating
                || normalize && isSoftmax(asked) && isSoftmax(gating); // the chosen ones' softmax, both ways
        if (!same) {
            throw reader.metadata.failure(
                    reader.key("expert_gating_func"),
                    "expected that of the architecture " + reader.architecture + ", "
                            + gating.name().toLowerCase(Locale.ROOT) + ", found "
                            + asked.name().toLowerCase(Locale.ROOT));
        }
        if (reader.flag("expert_weights_norm", normalize) != normalize) {
            throw reader.metadata.failure(
                    reader.key("expert_weights_norm"),
                    "expected that of the architecture " + reader.architecture + ", " + normalize + ", found "
                            + !normalize);
        }
    }

    private static boolean isSoftmax(Gating gating) {
        return gating == Gating.SOFTMAX || gating == Gating.SOFTMAX_OF_CHOSEN;
    }

    boolean hasExperts(int layer) {
        return reader.hasTensor(block(layer, "ffn_gate_inp.weight"));
    }

    /**
     * Whether a layer of a model with experts is dense: one of the first {@code leading_dense_block_count}, or, where the
     * file does not count them, and of blocks that predict, one without a router.
     */
    boolean isDense(int layer) {
        return reader.has("leading_dense_block_count") && layer < reader.layerCount
                ? layer < reader.count("leading_dense_block_count", 0)
                : !hasExperts(layer);
    }

    /** The expert that every position uses: {@code ffn_gate_shexp}, if it has one, {@code ffn_up_shexp, ffn_down_shexp}. */
    FeedForward.Dense shared(int layer, int size) {
        int hidden = reader.hiddenSize;
        return new FeedForward.Dense(
                gated ? reader.projection(block(layer, "ffn_gate_shexp"), hidden, size) : null,
                reader.projection(block(layer, "ffn_up_shexp"), hidden, size),
                reader.projection(block(layer, "ffn_down_shexp"), size, hidden),
                activation);
    }

    /**
     * Experts beside the shared one, if the layer has it, with the sigmoid of {@code ffn_gate_inp_shexp} if it has that. Its
     * size is {@code expert_shared_feed_forward_length}, else so many times an expert's as {@code expert_shared_count} says.
     */
    FeedForward.Experts withShared(int layer, FeedForward.Experts experts) {
        int count = reader.count("expert_shared_count", 0);
        int length = reader.count("expert_shared_feed_forward_length", 0);
        if (!reader.hasTensor(block(layer, "ffn_up_shexp.weight")) && count == 0) {
            return experts;
        }
        String gate = block(layer, "ffn_gate_inp_shexp.weight");
        return experts.withShared(
                shared(
                        layer,
                        length > 0
                                ? length
                                : reader.times("expert_shared_count", Math.max(1, count), expertSize(layer))),
                reader.hasTensor(gate) ? Projection.of(reader.tensor(gate, reader.hiddenSize)) : null);
    }

    /**
     * As DeepSeek has it: dense layers first, by {@code leading_dense_block_count}, then experts beside those that every
     * position uses, which are stored as one of {@code expert_shared_count} times the size.
     */
    FeedForward denseThenExperts(int layer, Gating gating, boolean normalize) {
        if (layer < reader.count("leading_dense_block_count", 0)) {
            return dense(layer);
        }
        int size = expertSize(layer);
        FeedForward.Experts experts = experts(layer, size, gating, normalize);
        int shared = reader.count("expert_shared_count", 0);
        return shared == 0
                ? experts
                : experts.withShared(shared(layer, reader.times("expert_shared_count", shared, size)), null);
    }

    /**
     * A layer with the limits of {@code swiglu_clamp_exp} on its experts, and on what all positions use, be it beside them or the layer
     * as a whole, those of {@code swiglu_clamp_shexp}; 0 for none.
     *
     * @param before whether the gate is limited before its SiLU
     */
    @Nullable FeedForward clamped(int layer, @Nullable FeedForward parts, boolean before) {
        return clamped(parts, before, limit("swiglu_clamp_exp", layer, 0), limit("swiglu_clamp_shexp", layer, 0));
    }

    /** Likewise, before the SiLU, where the limits of the experts hold for what all positions use if the file does not say. */
    @Nullable FeedForward clampedAlike(int layer, @Nullable FeedForward parts) {
        float limit = limit("swiglu_clamp_exp", layer, 0);
        return clamped(parts, true, limit, limit("swiglu_clamp_shexp", layer, limit));
    }

    private float limit(String suffix, int layer, float defaultLimit) {
        float limit = reader.layerFloat(suffix, layer, defaultLimit);
        if (limit < 0) {
            throw reader.metadata.failure(reader.key(suffix), "expected a number of 0 or more, found " + limit);
        }
        return limit;
    }

    private static @Nullable FeedForward clamped(
            @Nullable FeedForward parts, boolean before, float limit, float sharedLimit) {
        return switch (parts) {
            case FeedForward.Dense dense -> clamped(dense, before, sharedLimit);
            case FeedForward.Experts experts -> {
                FeedForward.Experts all = experts.shared() == null
                        ? experts
                        : experts.withShared(clamped(experts.shared(), before, sharedLimit), experts.sharedGate());
                yield limit == 0 ? all : all.withActivation(new Activation.ClampedSwiGlu(limit, before));
            }
            case null, default -> parts;
        };
    }

    private static FeedForward.Dense clamped(FeedForward.Dense dense, boolean before, float limit) {
        return limit == 0 ? dense : dense.withActivation(new Activation.ClampedSwiGlu(limit, before));
    }

    /** {@code expert_weights_norm}, whether the chosen weights are divided by their sum. */
    boolean normalizesWeights() {
        return reader.flag("expert_weights_norm", false);
    }

    /** {@code ffn_gate_inp}; what Gemma 4 stores as its scale is the weight of a norm before it. */
    private Projection router(int layer, int count) {
        String name = block(layer, "ffn_gate_inp");
        return new Projection(
                reader.tensor(name + ".weight", reader.hiddenSize, count),
                reader.optionalVector(name + ".bias", count),
                1);
    }

    /** The bias of the choice, with or without the ending that tensors have. */
    private float @Nullable [] selectionBias(int layer, int count) {
        String name = block(layer, "exp_probs_b");
        return reader.optionalVector(reader.hasTensor(name) ? name : name + ".bias", count);
    }

    /** The experts of a layer. */
    FeedForward.Experts experts(int layer, int size, Gating gating, boolean normalize) {
        return experts(layer, reader.hiddenSize, size, gating, normalize);
    }

    /**
     * The experts of a layer, with gate and up apart or fused in {@code ffn_gate_up_exps}.
     *
     * @param width elements that the experts read and return
     */
    FeedForward.Experts experts(int layer, int width, int size, Gating gating, boolean normalize) {
        int count = reader.positive("expert_count");
        int used = reader.perLayerInt("expert_used_count")[layer];
        if (used < 1 || used > count) {
            throw reader.metadata.failure(
                    reader.key("expert_used_count"),
                    used + " experts are used (layer " + layer + "), expected 1 to " + count
                            + ", as many as there are");
        }
        checkFixed(gating, normalize);
        Routing routing = new Routing(router(layer, count), used, gating, normalize)
                .withChoice(selectionBias(layer, count), groups(count, used))
                .times(reader.factor("expert_weights_scale", 1));
        List<Projection> gate = new ArrayList<>();
        List<Projection> up = new ArrayList<>();
        if (reader.hasTensor(block(layer, "ffn_gate_up_exps.weight"))) {
            for (Projection both : reader.projections(block(layer, "ffn_gate_up_exps"), width, 2L * size, count)) {
                gate.add(both.rowRange(0, size));
                up.add(both.rowRange(size, size));
            }
        } else {
            if (gated) {
                gate.addAll(reader.projections(block(layer, "ffn_gate_exps"), width, size, count));
            }
            up.addAll(reader.projections(block(layer, "ffn_up_exps"), width, size, count));
        }
        return new FeedForward.Experts(
                routing,
                gate,
                up,
                reader.projections(block(layer, "ffn_down_exps"), size, width, count),
                activation,
                null,
                null,
                null);
    }
}
