package dev.nibble.cpu.op;

import java.util.Arrays;

/** A causal depthwise convolution over the positions of each sequence, continued from the sequence's state. */
final class CausalConvolution {
    private final int kernelSize;
    private final int channels;
    private final float[] taps; // [kernelSize, channels]: the taps of one position lie together

    /**
     * @param kernel [channels, kernelSize], the last tap is the current position
     */
    CausalConvolution(float[] kernel, int kernelSize) {
        this.kernelSize = kernelSize;
        channels = kernel.length / kernelSize;
        taps = new float[kernel.length];
        for (int channel = 0; channel < channels; channel++) {
            for (int tap = 0; tap < kernelSize; tap++) {
                taps[tap * channels + channel] = kernel[channel * kernelSize + tap];
            }
        }
    }

    /**
     * Convolves the next position of a sequence.
     *
     * @param state [kernelSize - 1, channels], the inputs before, oldest first; updated
     * @param in [channels] at {@code inOffset}
     * @param out receives [channels] at {@code outOffset}; another array than {@code in}
     */
    void step(float[] state, float[] in, int inOffset, float[] out, int outOffset) {
        Arrays.fill(out, outOffset, outOffset + channels, 0);
        for (int tap = 0; tap < kernelSize - 1; tap++) {
            for (int i = 0; i < channels; i++) {
                out[outOffset + i] += state[tap * channels + i] * taps[tap * channels + i];
            }
        }
        int last = (kernelSize - 1) * channels;
        for (int i = 0; i < channels; i++) {
            out[outOffset + i] += in[inOffset + i] * taps[last + i];
        }
        if (kernelSize > 1) {
            System.arraycopy(state, channels, state, 0, (kernelSize - 2) * channels);
            System.arraycopy(in, inOffset, state, (kernelSize - 2) * channels, channels);
        }
    }
}
