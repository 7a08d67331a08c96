package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * The state-space layer Mamba-2 (Dao and Gu 2024, arXiv 2405.21060).
 *
 * <p>{@code z, xBC, dt = input(h)}; a causal depthwise convolution with SiLU over xBC; per head with the state S
 * [headDim, stateSize] and {@code dt ← softplus(dt + dtBias)}: {@code S ← e^(dt·a) S + dt · x ⊗ B; y = S·C + d·x}.
 * The output is {@code output(groupNorm(y · silu(z)))}.
 *
 * @param headCount heads
 * @param headDim elements of a head
 * @param stateSize elements of B and C
 * @param groupCount groups of heads that share B and C
 * @param kernelSize taps of the convolution
 * @param kernel [channels, kernelSize], the last tap is the current position
 * @param kernelBias [channels]
 * @param input [hidden] to [inner + channels + headCount]: z, xBC, dt
 * @param dtBias [headCount]
 * @param a [headCount], negative
 * @param d [headCount]
 * @param norm over inner, null for none
 * @param output [inner] to [hidden]
 */
public record Mamba2Config(
        int headCount,
        int headDim,
        int stateSize,
        int groupCount,
        int kernelSize,
        float[] kernel,
        float[] kernelBias,
        Projection input,
        float[] dtBias,
        float[] a,
        float[] d,
        @Nullable Norm norm,
        Projection output)
        implements Mixer {

    /** Elements of x: headCount · headDim. */
    public int innerSize() {
        return headCount * headDim;
    }

    /** Channels of the convolution: x, B, C. */
    public int channels() {
        return innerSize() + 2 * groupCount * stateSize;
    }
}
