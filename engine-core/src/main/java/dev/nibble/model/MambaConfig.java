package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * The selective state space of Mamba (Gu and Dao 2023, arXiv 2312.00752), and of PLaMo 2, whose channels share their step by
 * heads.
 *
 * <p>{@code x, z = input(h)}; a causal depthwise convolution with SiLU over x; {@code t, B, C} are maps of x, each with an
 * optional norm, and {@code dt = softplus(step(t))}. Per channel with the state S [stateSize]:
 * {@code S ← e^(dt·a) S + dt · x · B; y = S·C + d·x}. The output is {@code output(y · silu(z))}.
 *
 * @param headCount heads; a head has {@code innerSize / headCount} channels, one in Mamba
 * @param innerSize channels
 * @param stateSize elements of B and C
 * @param kernelSize taps of the convolution
 * @param kernel [innerSize, kernelSize], the last tap is the current position
 * @param kernelBias [innerSize], or null
 * @param input [hidden] to [2 · innerSize]: x and z, or where {@code interleaved} z and x of each head in turn
 * @param interleaved how they lie
 * @param lowStep [innerSize] to [rank]: t
 * @param lowStepNorm over the rank, or null
 * @param b [innerSize] to [stateSize]
 * @param bNorm over the state size, or null
 * @param c [innerSize] to [stateSize]
 * @param cNorm over the state size, or null
 * @param step [rank] to [headCount]
 * @param a [headCount, stateSize], negative
 * @param d [headCount]
 * @param output [innerSize] to [hidden]
 */
public record MambaConfig(
        int headCount,
        int innerSize,
        int stateSize,
        int kernelSize,
        float[] kernel,
        float @Nullable [] kernelBias,
        Projection input,
        boolean interleaved,
        Projection lowStep,
        @Nullable Norm lowStepNorm,
        Projection b,
        @Nullable Norm bNorm,
        Projection c,
        @Nullable Norm cNorm,
        Projection step,
        float[] a,
        float[] d,
        Projection output)
        implements Mixer {

    public MambaConfig {
        if (headCount < 1 || innerSize % headCount != 0) {
            throw new IllegalArgumentException(innerSize + " channels cannot form " + headCount + " heads");
        }
    }

    /** Channels of a head. */
    public int headDim() {
        return innerSize / headCount;
    }
}
