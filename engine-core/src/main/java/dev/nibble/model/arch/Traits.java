package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig.Gate;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.Norm;
import dev.nibble.model.RopeConfig;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * What a decoder does otherwise than Llama, as data for {@link Decoder}. As it starts, it is Llama: pre-norm RMS,
 * grouped-query attention, rotation of neighbours, SwiGLU.
 */
final class Traits {

    /** Which layers turn their queries and keys, of those that have a sliding window and those that have none. */
    enum Rotated {
        ALL,
        WINDOWED,
        NONE
    }

    /** How the pairs of a rotation follow the axes of pictures. */
    enum Axes {
        NONE,
        SECTION_BY_SECTION,
        BY_TURNS
    }

    /** Whether the layers' own norms of queries and keys are there. */
    enum Presence {
        ABSENT,
        OPTIONAL,
        REQUIRED
    }

    /**
     * What is known of the experts beside their sizes.
     *
     * @param gating how weights are made, where the file does not say
     * @param normalize whether the chosen weights are divided by their sum, where the file does not say
     * @param byFile whether the file may say otherwise
     */
    record ExpertChoice(Gating gating, boolean normalize, boolean byFile) {}

    RopeConfig.Style ropeStyle;
    Rotated rotated = Rotated.ALL;
    IntPredicate rotatedLayer = layer -> true;
    Axes axes = Axes.NONE;
    boolean plainWindows;
    boolean stretchedBase;
    float windowBase;
    float alibi;
    Norm.Kind normKind = Norm.Kind.RMS;
    boolean unweighted;
    boolean preNorms = true;
    String mixerNormName = "attn_norm";
    String ffnNormName = "ffn_norm";

    @Nullable String mixerPostNormName;

    @Nullable String ffnPostNormName;

    boolean parallel;
    Presence headNorms = Presence.ABSENT;
    boolean normsAfterRope;
    int windowPeriod; // 0 if the file has to say it
    int windowSize; // 0 for that of the file
    boolean fullFirst;
    boolean windows;
    boolean predictsInWindow;
    boolean predictsFromNormed = true;
    Presence sinks = Presence.ABSENT;
    boolean clamped;
    Gate.@Nullable Function gate;
    Activation activation = Activation.SILU;
    boolean gated = true;
    int sizeDivisor = 1;

    @Nullable ExpertChoice experts;

    boolean shared;
    boolean inputNorm;
    boolean positions;
    float embeddingScale = 1;
    float residualScale = 1;
    float logitScale = 1;
    float logitSoftcap;
    float attentionScale;

    private Traits(RopeConfig.Style ropeStyle) {
        this.ropeStyle = ropeStyle;
    }

    /** Llama, rotating neighbours. */
    static Traits adjacent() {
        return new Traits(RopeConfig.Style.ADJACENT);
    }

    /** Llama, but for the rotation, which is by halves. */
    static Traits halves() {
        return new Traits(RopeConfig.Style.HALVES);
    }

    /** Llama without rotation. */
    static Traits unrotated() {
        return adjacent().rotated(Rotated.NONE);
    }

    /** Without rotation, but with ALiBi. */
    static Traits alibi(float maxBias) {
        Traits traits = unrotated();
        traits.alibi = maxBias;
        return traits;
    }

    Traits rotated(Rotated which) {
        rotated = which;
        return this;
    }

    /** Only these layers turn, of those that do at all. */
    Traits rotatedLayers(IntPredicate which) {
        rotatedLayer = which;
        return this;
    }

    Traits axes(Axes kind) {
        axes = kind;
        return this;
    }

    /** Layer norms, with biases where the file has them, in place of RMS norms. */
    Traits layerNorms() {
        normKind = Norm.Kind.LAYER;
        return this;
    }

    /** No norm has weights. */
    Traits unweightedNorms() {
        unweighted = true;
        return this;
    }

    /** Another name of the norm before the mixer. */
    Traits mixerNorm(String name) {
        mixerNormName = name;
        return this;
    }

    /** Another name of the norm before the feed-forward layer. */
    Traits ffnNorm(String name) {
        ffnNormName = name;
        return this;
    }

    /** Norms after the mixer and after the feed-forward layer. */
    Traits postNorms() {
        return postNorms("post_attention_norm", "post_ffw_norm");
    }

    Traits postNorms(@Nullable String afterMixer, @Nullable String afterFfn) {
        mixerPostNormName = afterMixer;
        ffnPostNormName = afterFfn;
        return this;
    }

    /** No norms before the parts. */
    Traits withoutPreNorms() {
        preNorms = false;
        return this;
    }

    /** Both parts read what one norm makes of the block's input, unless the feed-forward layer has a norm of its own. */
    Traits parallel() {
        parallel = true;
        return this;
    }

    /** Norms of queries and keys: over a head, over the width, or with weights for each head, as their shape says. */
    Traits headNorms(Presence presence) {
        headNorms = presence;
        return this;
    }

    Traits headNorms() {
        return headNorms(Presence.REQUIRED);
    }

    Traits headNormsAfterRope() {
        normsAfterRope = true;
        return headNorms();
    }

    /** A sliding window, if the file has its size, on all but the last of each {@code period} layers. */
    Traits windows(int period) {
        windows = true;
        windowPeriod = period;
        return this;
    }

    /** The first of each period of layers is full, not the last. */
    Traits fullFirst() {
        fullFirst = true;
        return this;
    }

    /** The size of the window, whatever size the file says. */
    Traits windowSize(int positions) {
        windowSize = positions;
        return this;
    }

    /** A sliding window, if the file has its size, on the layers that the file names. */
    Traits windowsByFile() {
        return windows(0);
    }

    /** Blocks that predict have the window, whatever the file says. */
    Traits predictsInWindow() {
        predictsInWindow = true;
        return this;
    }

    /** Blocks that predict read states as they are before the output norm. */
    Traits predictsFromPlain() {
        predictsFromNormed = false;
        return this;
    }

    /** {@code rope.scaling.alpha} a stretches the base: times a^(d / (d - 2)), with d elements that turn. */
    Traits stretchedBase() {
        stretchedBase = true;
        return this;
    }

    /** Windowed layers do not follow the extension of the context. */
    Traits plainWindows() {
        plainWindows = true;
        return this;
    }

    /** The base of the rotation of windowed layers, where the file does not say; 0 for that of the others. */
    Traits windowBase(float base) {
        windowBase = base;
        return this;
    }

    /** {@code attn_sinks}: scores of a key without a value. */
    Traits sinks(Presence presence) {
        sinks = presence;
        return this;
    }

    /** {@code attention.clamp_kqv}. */
    Traits clamped() {
        clamped = true;
        return this;
    }

    /** {@code attn_gate}. */
    Traits gate(Gate.Function function) {
        gate = function;
        return this;
    }

    Traits activation(Activation function) {
        activation = function;
        return this;
    }

    /** Feed-forward layers without a gate. */
    Traits ungated(Activation function) {
        gated = false;
        return activation(function);
    }

    /** The tensors of the feed-forward layers are so many times narrower than the file says. */
    Traits sizeDivisor(int divisor) {
        sizeDivisor = divisor;
        return this;
    }

    /** Experts on layers that are not dense; a file cannot have them otherwise. */
    Traits experts(Gating gating, boolean normalize) {
        experts = new ExpertChoice(gating, normalize, false);
        return this;
    }

    /** Experts on layers that are not dense; the file may say how they are chosen. */
    Traits expertsByFile(Gating gating, boolean normalize) {
        experts = new ExpertChoice(gating, normalize, true);
        return this;
    }

    /** An expert that every position uses, on the layers that have it. */
    Traits shared() {
        shared = true;
        return this;
    }

    /** A norm of the embeddings: {@code token_embd_norm}. */
    Traits inputNorm() {
        inputNorm = true;
        return this;
    }

    /** {@code position_embd}, added to the embeddings, where the file has it. */
    Traits positions() {
        positions = true;
        return this;
    }

    Traits embeddingScale(float factor) {
        embeddingScale = factor;
        return this;
    }

    Traits residualScale(float factor) {
        residualScale = factor;
        return this;
    }

    /** Factor and then cap of the logits; 0 for no cap. */
    Traits logits(float factor, float cap) {
        logitScale = factor;
        logitSoftcap = cap;
        return this;
    }

    /** Factor of the scores; 0 for the usual. */
    Traits attentionScale(float factor) {
        attentionScale = factor;
        return this;
    }
}
