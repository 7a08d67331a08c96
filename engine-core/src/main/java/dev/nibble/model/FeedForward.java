package dev.nibble.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The part of a block that works on each position alone. */
public sealed interface FeedForward {

    /**
     * {@code down(act(gate(x)) · up(x))}, or {@code down(act(up(x)))} without a gate.
     *
     * @param gate [hidden] to [ffn], or null
     * @param up [hidden] to [ffn]
     * @param down [ffn] to [hidden]
     * @param activation the non-linearity
     * @param sparsity c > 0: of the gate only what exceeds mean + c · deviation of its row stays (Gemma 3n); 0: all
     */
    record Dense(@Nullable Projection gate, Projection up, Projection down, Activation activation, float sparsity)
            implements FeedForward {}

    /**
     * A mixture of experts: a router chooses for each position {@code used} experts, whose outputs are added with
     * weights.
     *
     * @param router [hidden] to [experts], applied to the block's FFN input or to what {@code routerNorm} makes of it
     * @param routerNorm applied before the router in place of the FFN norm, or null
     * @param used experts a position is sent to
     * @param gating how the router's outputs become weights
     * @param selectionBias [experts], added for the choice but not for the weights, or null
     * @param groups of which only some are chosen from, or null
     * @param normalize whether the chosen weights are divided by their sum
     * @param weightScale factor of the weights
     * @param gate an expert's gate projections
     * @param up an expert's up projections
     * @param down an expert's down projections
     * @param activation the non-linearity
     * @param shared an expert that every position uses, or null
     * @param sharedGate [hidden] to [1]: the shared expert's output is multiplied by its sigmoid; null for no gate
     */
    record Experts(
            Projection router,
            @Nullable Norm routerNorm,
            int used,
            Gating gating,
            float @Nullable [] selectionBias,
            @Nullable Groups groups,
            boolean normalize,
            float weightScale,
            List<Projection> gate,
            List<Projection> up,
            List<Projection> down,
            Activation activation,
            @Nullable Dense shared,
            @Nullable Projection sharedGate)
            implements FeedForward {

        /** How the router's outputs become weights. */
        public enum Gating {
            /** Softmax over all experts, then the choice. */
            SOFTMAX,
            /** Sigmoid of each, then the choice. */
            SIGMOID,
            /** The choice, then softmax over the chosen. */
            SOFTMAX_OF_CHOSEN
        }

        /**
         * Experts in groups of the same size, in order: only those of the groups with the best sums of two experts can
         * be chosen (DeepSeek-V3, arXiv 2412.19437).
         *
         * @param count groups
         * @param used groups that are chosen from
         */
        public record Groups(int count, int used) {}

        /** The same experts beside one that every position uses. */
        public Experts withShared(Dense expert, @Nullable Projection expertGate) {
            return new Experts(
                    router,
                    routerNorm,
                    used,
                    gating,
                    selectionBias,
                    groups,
                    normalize,
                    weightScale,
                    gate,
                    up,
                    down,
                    activation,
                    expert,
                    expertGate);
        }

        /** The same experts with a norm before the router. */
        public Experts withRouterNorm(Norm norm) {
            return new Experts(
                    router,
                    norm,
                    used,
                    gating,
                    selectionBias,
                    groups,
                    normalize,
                    weightScale,
                    gate,
                    up,
                    down,
                    activation,
                    shared,
                    sharedGate);
        }
    }

    /**
     * Gemma 4: a dense layer and experts side by side, each with norms of its own; both read the attention's result.
     *
     * @param dense fed through the block's FFN norm
     * @param densePostNorm applied to its output
     * @param experts the experts; their {@code routerNorm} reads the attention's result
     * @param expertsNorm their input norm
     * @param expertsPostNorm applied to their output
     */
    record Parallel(Dense dense, Norm densePostNorm, Experts experts, Norm expertsNorm, Norm expertsPostNorm)
            implements FeedForward {}
}
