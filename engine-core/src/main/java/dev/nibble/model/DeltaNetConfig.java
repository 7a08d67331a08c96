package dev.nibble.model;

import java.util.List;

/**
 * The gated delta rule of Qwen3.5 (Yang et al. 2024, arXiv 2412.06464), and Kimi's (arXiv 2510.26692), where each element of the
 * keys has a decay of its own.
 *
 * <p>A causal depthwise convolution with SiLU over q, k, v; q and k are L2-normalized per head (over the square root of the
 * sum of squares and {@code keyEpsilon}). Per value head h with the state S [stateSize, stateSize]:
 * {@code S ← diag(e^g) S; S ← S + k ⊗ β (v − Sᵀk); o = Sᵀq / √stateSize}, with the g of its {@link Decay} and
 * {@code β = sigmoid(beta)}. The output is {@code output(norm(o) · f(z))}.
 *
 * @param keyHeadCount heads of q and k; value head h uses key head h mod keyHeadCount, or h / (valueHeadCount / keyHeadCount)
 *     where they are grouped
 * @param valueHeadCount heads of v
 * @param grouped whether value heads that share a key head lie together
 * @param stateSize elements of a head
 * @param kernelSize taps of the convolution
 * @param kernel [channels, kernelSize], channels are q, k, v; the last tap is the current position
 * @param qkv [hidden] to the channels: one map, or maps whose results follow each other
 * @param keyEpsilon see above
 * @param gate z: [hidden] to [valueHeadCount · stateSize]
 * @param gateFunction f
 * @param decay how the state fades
 * @param beta [hidden] to [valueHeadCount]
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
        List<Projection> qkv,
        float keyEpsilon,
        FactoredMap gate,
        GateFunction gateFunction,
        Decay decay,
        Projection beta,
        Norm norm,
        Projection output)
        implements Mixer {

    public DeltaNetConfig {
        qkv = List.copyOf(qkv);
        int width = decay.map().outputSize();
        if (width != valueHeadCount && width != valueHeadCount * stateSize) {
            throw new IllegalArgumentException(width + " decays fit neither " + valueHeadCount
                    + " heads nor their elements, " + stateSize + " each");
        }
    }

    /** What becomes of the gate's map. */
    public enum GateFunction {
        /** z · sigmoid(z). */
        SILU,
        /** sigmoid(z). */
        SIGMOID
    }

    /**
     * {@code g = a · softplus(m + bias)}, or with a bound {@code g = bound · sigmoid(a · (m + bias))}, where m is the map's result.
     *
     * @param map [hidden] to [valueHeadCount], or to [valueHeadCount · stateSize] for a decay of each element of the keys
     * @param bias as many as the map has results
     * @param a [valueHeadCount]; negative where there is no bound
     * @param bound below 0, or 0 for none
     */
    public record Decay(FactoredMap map, float[] bias, float[] a, float bound) {}

    /** Channels of the convolution. */
    public int channels() {
        return (2 * keyHeadCount + valueHeadCount) * stateSize;
    }

    /** Whether each element of the keys has a decay of its own. */
    public boolean decaysByElement() {
        return decay.map().outputSize() != valueHeadCount;
    }
}
