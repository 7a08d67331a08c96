package dev.nibble.model;

/**
 * The gated delta rule of Qwen3.5 (Yang et al. 2024, arXiv 2412.06464).
 *
 * <p>A causal depthwise convolution with SiLU over q, k, v; q and k are L2-normalized per head (over the square root of the
 * sum of squares and the norm's epsilon). Per value head h with
 * the state S [stateSize, stateSize]: {@code S ← e^g S; S ← S + k ⊗ β (v − Sᵀk); o = Sᵀq / √stateSize}, with
 * {@code g = a · softplus(alpha + dtBias)} and {@code β = sigmoid(beta)}. The output is {@code output(norm(o) · silu(z))}.
 *
 * @param keyHeadCount heads of q and k; value head h uses key head h mod keyHeadCount, or h / (valueHeadCount / keyHeadCount)
 *     where they are grouped
 * @param valueHeadCount heads of v
 * @param grouped whether value heads that share a key head lie together
 * @param stateSize elements of a head
 * @param kernelSize taps of the convolution
 * @param kernel [channels, kernelSize], channels are q, k, v; the last tap is the current position
 * @param qkv [hidden] to [2 · keyHeadCount · stateSize + valueHeadCount · stateSize]
 * @param gate z: [hidden] to [valueHeadCount · stateSize]
 * @param alpha [hidden] to [valueHeadCount]
 * @param beta [hidden] to [valueHeadCount]
 * @param dtBias [valueHeadCount]
 * @param a [valueHeadCount], negative
 * @param norm over a head
 * @param output [valueHeadCount · stateSize] to [hidden]
 */
public record DeltaNetConfig(
        int keyHeadCount,
        int valueHeadCount,
        boolean grouped,
        int stateSize,
        int kernelSize,
        float[] kernel,
        Projection qkv,
        Projection gate,
        Projection alpha,
        Projection beta,
        float[] dtBias,
        float[] a,
        Norm norm,
        Projection output)
        implements Mixer {

    /** Channels of the convolution. */
    public int channels() {
        return (2 * keyHeadCount + valueHeadCount) * stateSize;
    }
}
