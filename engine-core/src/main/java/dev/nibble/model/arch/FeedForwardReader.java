package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Experts.Gating;
import dev.nibble.model.Projection;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reads the feed-forward layers: dense, with gate and up apart or fused in one tensor, or a mixture of experts. */
final class FeedForwardReader {
    private final ModelReader reader;
    private final Activation activation;
    private final int[] sizes;

    FeedForwardReader(ModelReader reader, Activation activation) {
        this.reader = reader;
        this.activation = activation;
        sizes = reader.perLayerInt("feed_forward_length", 0);
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

    /** {@code ffn_gate, ffn_up, ffn_down}; without {@code ffn_gate}, {@code ffn_up} holds gate and up. */
    FeedForward.Dense dense(int layer) {
        return dense(layer, 0);
    }

    FeedForward.Dense dense(int layer, float sparsity) {
        int size = size(layer);
        String up = block(layer, "ffn_up");
        Projection down = reader.projection(block(layer, "ffn_down"), size, reader.hiddenSize);
        if (reader.hasTensor(block(layer, "ffn_gate.weight"))) {
            return new FeedForward.Dense(
                    reader.projection(block(layer, "ffn_gate"), reader.hiddenSize, size),
                    reader.projection(up, reader.hiddenSize, size),
                    down,
                    activation,
                    sparsity);
        }
        Projection both = reader.projection(up, reader.hiddenSize, 2L * size);
        return new FeedForward.Dense(both.rowRange(0, size), both.rowRange(size, size), down, activation, sparsity);
    }

    /** {@code ffn_up, ffn_down}, nothing else. */
    FeedForward.Dense ungated(int layer) {
        int size = size(layer);
        return new FeedForward.Dense(
                null,
                reader.projection(block(layer, "ffn_up"), reader.hiddenSize, size),
                reader.projection(block(layer, "ffn_down"), size, reader.hiddenSize),
                activation,
                0);
    }

    /** {@code expert_gating_func}, or what the architecture has where the file does not say. */
    Gating gating(Gating defaultGating) {
        int function = reader.count("expert_gating_func", 0);
        return switch (function) {
            case 0 -> defaultGating;
            case 1 -> Gating.SOFTMAX;
            case 2 -> Gating.SIGMOID;
            case 3 -> Gating.SOFTMAX_OF_CHOSEN;
            default ->
                throw reader.metadata.failure(
                        reader.key("expert_gating_func"),
                        "expected 1 (softmax), 2 (sigmoid) or 3 (softmax of the chosen), found " + function);
        };
    }

    /** {@code expert_group_count} and {@code expert_group_used_count}, null where all experts are one group. */
    private FeedForward.Experts.@Nullable Groups groups(int experts, int expertsUsed) {
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
        return new FeedForward.Experts.Groups(count, used);
    }

    /** Refuses a file that says otherwise than the architecture, which for most leaves no choice. */
    private void checkFixed(Gating gating, boolean normalize) {
        Gating asked = gating(gating);
        boolean same = asked == gating
                || normalize && asked != Gating.SIGMOID && gating != Gating.SIGMOID; // the chosen ones' softmax, both ways
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
                    "expected that of the architecture " + reader.architecture + ", " + normalize + ", found " + !normalize);
        }
    }

    boolean hasExperts(int layer) {
        return reader.hasTensor(block(layer, "ffn_gate_inp.weight"));
    }

    /** The expert that every position uses: {@code ffn_gate_shexp, ffn_up_shexp, ffn_down_shexp}. */
    FeedForward.Dense shared(int layer, int size) {
        int hidden = reader.hiddenSize;
        return new FeedForward.Dense(
                reader.projection(block(layer, "ffn_gate_shexp"), hidden, size),
                reader.projection(block(layer, "ffn_up_shexp"), hidden, size),
                reader.projection(block(layer, "ffn_down_shexp"), size, hidden),
                activation,
                0);
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
        return shared == 0 ? experts : experts.withShared(shared(layer, Math.multiplyExact(shared, size)), null);
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

    /** The experts of a layer, with gate and up apart or fused in {@code ffn_gate_up_exps}. */
    FeedForward.Experts experts(int layer, int size, Gating gating, boolean normalize) {
        int hidden = reader.hiddenSize;
        int count = reader.positive("expert_count");
        int used = reader.positive("expert_used_count");
        if (used > count) {
            throw reader.metadata.failure(
                    reader.key("expert_used_count"), used + " experts are used, but there are only " + count);
        }
        checkFixed(gating, normalize);
        List<Projection> gate;
        List<Projection> up;
        if (reader.hasTensor(block(layer, "ffn_gate_up_exps.weight"))) {
            gate = new ArrayList<>();
            up = new ArrayList<>();
            for (Projection both : reader.projections(block(layer, "ffn_gate_up_exps"), hidden, 2L * size, count)) {
                gate.add(both.rowRange(0, size));
                up.add(both.rowRange(size, size));
            }
        } else {
            gate = reader.projections(block(layer, "ffn_gate_exps"), hidden, size, count);
            up = reader.projections(block(layer, "ffn_up_exps"), hidden, size, count);
        }
        return new FeedForward.Experts(
                router(layer, count),
                null,
                used,
                gating,
                reader.optionalVector(block(layer, "exp_probs_b.bias"), count),
                groups(count, used),
                normalize,
                reader.factor("expert_weights_scale", 1),
                gate,
                up,
                reader.projections(block(layer, "ffn_down_exps"), size, hidden, count),
                activation,
                null,
                null);
    }
}
