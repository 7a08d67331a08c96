package dev.nibble.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The part of a block that works on each position alone. */
public sealed interface FeedForward {

    /** What a part of the layer reads. */
    enum Source {
        /** The layer's input, which the block's FFN norm made. */
        LAYER,
        /** The block's input, before any norm and before the mixer. */
        BLOCK
    }

    /** Whether a part of the layer reads the block's input. */
    default boolean readsBlockInput() {
        return false;
    }

    /**
     * {@code down(norm(act(gate(x)) · up(x)))}, or {@code down(norm(act(up(x))))} without a gate.
     *
     * @param gate [hidden] to [ffn], or null
     * @param up [hidden] to [ffn]
     * @param down [ffn] to [hidden]
     * @param activation the non-linearity
     * @param sparsity c > 0: of the gate only what exceeds mean + c · deviation of its row stays (Gemma 3n); 0: all
     * @param innerNorm over the ffn size, null for none
     */
    record Dense(
            @Nullable Projection gate,
            Projection up,
            Projection down,
            Activation activation,
            float sparsity,
            @Nullable Norm innerNorm)
            implements FeedForward {

        /** A layer without sparsity and inner norm. */
        public Dense(@Nullable Projection gate, Projection up, Projection down, Activation activation) {
            this(gate, up, down, activation, 0, null);
        }

        /** The same layer with a sparse gate. */
        public Dense withSparsity(float deviations) {
            return new Dense(gate, up, down, activation, deviations, innerNorm);
        }

        /** The same layer with a norm before the way down. */
        public Dense withInnerNorm(@Nullable Norm norm) {
            return new Dense(gate, up, down, activation, sparsity, norm);
        }

        /** The same layer with another non-linearity. */
        public Dense withActivation(Activation other) {
            return new Dense(gate, up, down, other, sparsity, innerNorm);
        }

        /** The layer whose results are so many times as large. */
        public Dense times(float factor) {
            return new Dense(gate, up, down.times(factor), activation, sparsity, innerNorm);
        }
    }

    /**
     * How experts are chosen for a position, and how much each has to say.
     *
     * @param router [hidden] to [experts]
     * @param source what the router reads
     * @param norm what the router reads is made of the residual stream by this norm in place of the FFN norm, or null
     *     (Gemma 4)
     * @param used experts a position is sent to
     * @param gating how the router's outputs become weights
     * @param selectionBias [experts], added for the choice but not for the weights, or null
     * @param groups of which only some are chosen from, or null
     * @param normalize whether the chosen weights are divided by their sum
     * @param weightScale factor of the weights
     * @param scalesInput whether an expert's weight multiplies what it reads in place of what it returns (Llama 4)
     * @param byToken [vocabulary, used], the experts of each token, whose weights alone the router tells; null where it chooses
     */
    record Routing(
            Projection router,
            Source source,
            @Nullable Norm norm,
            int used,
            Gating gating,
            float @Nullable [] selectionBias,
            @Nullable Groups groups,
            boolean normalize,
            float weightScale,
            boolean scalesInput,
            int @Nullable [] byToken) {

        /** Routing by the layer's input, with weights as they come. */
        public Routing(Projection router, int used, Gating gating, boolean normalize) {
            this(router, Source.LAYER, null, used, gating, null, null, normalize, 1, false, null);
        }

        /** How the router's outputs become weights. */
        public enum Gating {
            /** Softmax over all experts, then the choice. */
            SOFTMAX,
            /** Sigmoid of each, then the choice. */
            SIGMOID,
            /** √(ln(1 + e^x)) of each, then the choice. */
            SQRT_SOFTPLUS,
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

        /** The same routing by what this norm makes of the residual stream. */
        public Routing withNorm(Norm other) {
            return with(source, other, selectionBias, groups, weightScale, scalesInput, byToken);
        }

        /** The same routing by what stands elsewhere. */
        public Routing withSource(Source other) {
            return with(other, norm, selectionBias, groups, weightScale, scalesInput, byToken);
        }

        /** The same choice with a bias and among groups. */
        public Routing withChoice(float @Nullable [] bias, @Nullable Groups among) {
            return with(source, norm, bias, among, weightScale, scalesInput, byToken);
        }

        /** The same routing with weights that are so many times as large. */
        public Routing times(float factor) {
            return with(source, norm, selectionBias, groups, weightScale * factor, scalesInput, byToken);
        }

        /** The same routing, where the weights multiply what the experts read. */
        public Routing scalingInput() {
            return with(source, norm, selectionBias, groups, weightScale, true, byToken);
        }

        /** The same weights of experts that the token tells. */
        public Routing byToken(int[] experts) {
            return with(source, norm, selectionBias, groups, weightScale, scalesInput, experts);
        }

        private Routing with(
                Source reads,
                @Nullable Norm readNorm,
                float @Nullable [] bias,
                @Nullable Groups among,
                float factor,
                boolean before,
                int @Nullable [] ofTokens) {
            return new Routing(router, reads, readNorm, used, gating, bias, among, normalize, factor, before, ofTokens);
        }
    }

    /**
     * A mixture of experts: a router chooses for each position some experts, whose outputs are added with weights.
     *
     * @param routing the choice
     * @param gate an expert's gate projections; empty for experts without a gate
     * @param up an expert's up projections
     * @param down an expert's down projections
     * @param activation the non-linearity
     * @param latent maps to a narrower space that the experts work in, or null
     * @param shared an expert that every position uses, or null
     * @param sharedGate [hidden] to [1]: the shared expert's output is multiplied by its sigmoid; null for no gate
     */
    record Experts(
            Routing routing,
            List<Projection> gate,
            List<Projection> up,
            List<Projection> down,
            Activation activation,
            @Nullable Latent latent,
            @Nullable Dense shared,
            @Nullable Projection sharedGate)
            implements FeedForward {

        public Experts {
            gate = List.copyOf(gate);
            up = List.copyOf(up);
            down = List.copyOf(down);
        }

        /**
         * The space the experts work in, where it is not that of the hidden states.
         *
         * @param down [hidden] to [latent]
         * @param norm of the sum of what the experts return, over the latent size; null for none
         * @param up [latent] to [hidden]
         */
        public record Latent(Projection down, @Nullable Norm norm, Projection up) {}

        @Override
        public boolean readsBlockInput() {
            return routing.source() == Source.BLOCK;
        }

        /** The same experts beside one that every position uses. */
        public Experts withShared(Dense expert, @Nullable Projection expertGate) {
            return new Experts(routing, gate, up, down, activation, latent, expert, expertGate);
        }

        /** The same experts, chosen otherwise. */
        public Experts withRouting(Routing other) {
            return new Experts(other, gate, up, down, activation, latent, shared, sharedGate);
        }

        /** The same experts with another non-linearity; that of the shared one stays. */
        public Experts withActivation(Activation other) {
            return new Experts(routing, gate, up, down, other, latent, shared, sharedGate);
        }

        /** The same experts in a space of their own. */
        public Experts withLatent(@Nullable Latent space) {
            return new Experts(routing, gate, up, down, activation, space, shared, sharedGate);
        }
    }

    /**
     * A dense layer and experts side by side, each with norms of its own (Gemma 4, Arctic).
     *
     * @param dense fed through the block's FFN norm
     * @param densePostNorm applied to its output, or null
     * @param experts the experts
     * @param expertsSource what their norm reads: the residual stream as the FFN norm does, or the block's input
     * @param expertsNorm their input norm
     * @param expertsPostNorm applied to their output, or null
     */
    record Parallel(
            Dense dense,
            @Nullable Norm densePostNorm,
            Experts experts,
            Source expertsSource,
            Norm expertsNorm,
            @Nullable Norm expertsPostNorm)
            implements FeedForward {

        @Override
        public boolean readsBlockInput() {
            return expertsSource == Source.BLOCK || experts.readsBlockInput();
        }
    }

    /**
     * Experts, and small ones that read their sum: {@code y + scale · small(y)} (GroveMoE, arXiv 2508.07785). Each small
     * expert stands for some of the experts that follow each other, and is chosen with any of them.
     *
     * @param experts the experts, which make y
     * @param perGroup experts that a small one stands for
     * @param gate a small expert's gate projections
     * @param up a small expert's up projections
     * @param down a small expert's down projections
     * @param scale factor of what they return
     */
    record Grouped(
            Experts experts,
            int perGroup,
            List<Projection> gate,
            List<Projection> up,
            List<Projection> down,
            float scale)
            implements FeedForward {

        public Grouped {
            gate = List.copyOf(gate);
            up = List.copyOf(up);
            down = List.copyOf(down);
        }
    }
}
