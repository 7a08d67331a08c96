package dev.nibble.model;

/**
 * The gated short convolution of LFM2: {@code b, c, x = input(h)}; a causal depthwise convolution over b·x; the output
 * is {@code output(c · conv)}. The state is the last {@code kernelSize - 1} values of b·x.
 *
 * @param kernelSize taps of the convolution
 * @param kernel [hidden, kernelSize], the last tap is the current position
 * @param input [hidden] to [3 · hidden]: b, c, x
 * @param output [hidden] to [hidden]
 */
public record ShortConvolutionConfig(int kernelSize, float[] kernel, Projection input, Projection output)
        implements Mixer {}
