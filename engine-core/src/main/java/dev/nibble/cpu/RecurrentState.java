package dev.nibble.cpu;

import java.util.Arrays;

/** What a recurrent layer keeps between positions: the last inputs of its convolution, and a matrix state. */
final class RecurrentState {
    /** [kernelSize - 1, channels], oldest first. */
    final float[] convolution;

    /** The layer's own shape. */
    final float[] state;

    private final float[] savedConvolution;
    private final float[] savedState;

    RecurrentState(int convolutionSize, int stateSize) {
        convolution = new float[convolutionSize];
        state = new float[stateSize];
        savedConvolution = new float[convolutionSize];
        savedState = new float[stateSize];
    }

    void save() {
        System.arraycopy(convolution, 0, savedConvolution, 0, convolution.length);
        System.arraycopy(state, 0, savedState, 0, state.length);
    }

    void restore() {
        System.arraycopy(savedConvolution, 0, convolution, 0, convolution.length);
        System.arraycopy(savedState, 0, state, 0, state.length);
    }

    void clear() {
        Arrays.fill(convolution, 0);
        Arrays.fill(state, 0);
    }
}
