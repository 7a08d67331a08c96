package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * The time mix of RWKV 7 (Peng et al. 2025, arXiv 2503.14456).
 *
 * <p>With the position before's input p and {@code s = p - h}: for each of r, w, k, v, a, g: {@code x = h + s · share}. The
 * decay is {@code w = exp(-0.606531 sigmoid(decay(tanh(x_w))))}, the rate {@code a = sigmoid(rate(x_a))}, the gate
 * {@code g = gateUp(sigmoid(gateLow(x_g)))}; the values of the first layer are mixed into those of later ones by
 * {@code sigmoid(valueMix(x_v))}. {@code q = normalized(k · keyNormal)} head by head, {@code k ← k (1 + keyRate (a - 1))}. Per
 * head with the state S [headDim, headDim]: {@code S ← S diag(w) - (S q)(q · a)ᵀ + v kᵀ; o = S r}. The output is that of
 * {@code (norm(o) + (Σ k r bonus) v) · g}.
 *
 * @param headCount heads
 * @param headDim elements of a head
 * @param shares [5 or 6, hidden], of r, w, k, v, a and, where there is a gate, g
 * @param receptance [hidden] to [hidden], like {@code key} and {@code value}
 * @param key see there
 * @param value see there
 * @param decay with tanh between its maps
 * @param rate with nothing between its maps
 * @param valueMix likewise; null for the first layer, whose values are kept
 * @param gateLow [hidden] to a low rank, or null
 * @param gateUp from there to [hidden], or null
 * @param keyNormal [hidden]
 * @param keyRate [hidden]
 * @param bonus [hidden]
 * @param norm over each head, one of its groups; null for none
 * @param output [hidden] to [hidden]
 */
public record Rwkv7Config(
        int headCount,
        int headDim,
        float[] shares,
        Projection receptance,
        Projection key,
        Projection value,
        LowRankMap decay,
        LowRankMap rate,
        @Nullable LowRankMap valueMix,
        @Nullable Projection gateLow,
        @Nullable Projection gateUp,
        float[] keyNormal,
        float[] keyRate,
        float[] bonus,
        @Nullable Norm norm,
        Projection output)
        implements Mixer {

    /**
     * {@code base + up(f(low(x)))}.
     *
     * @param base [hidden]
     * @param low [hidden] to a low rank
     * @param up from there to [hidden]
     */
    public record LowRankMap(float[] base, Projection low, Projection up) {}
}
