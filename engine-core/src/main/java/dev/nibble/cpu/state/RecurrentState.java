package dev.nibble.cpu.state;

import java.util.Arrays;

/**
 * What a recurrent layer keeps between positions: the last inputs of its convolution, and a matrix state.
 *
 * <p>A batch computes in memory of its own, which begins as a copy of what is kept and takes its place when the batch is committed.
 * So a batch that is given up has changed nothing, and nothing need be done about it.
 */
public final class RecurrentState {
    // after the last committed position
    private float[] convolution; // [kernelSize - 1, channels], oldest first
    private float[] state; // the layer's own shape

    // after the positions of the running batch so far
    private float[] nextConvolution;
    private float[] nextState;

    RecurrentState(int convolutionSize, int stateSize) {
        convolution = new float[convolutionSize];
        state = new float[stateSize];
        nextConvolution = new float[convolutionSize];
        nextState = new float[stateSize];
    }

    /** Bytes of a state of these sizes. */
    static long bytes(int convolutionSize, int stateSize) {
        return 2L * Float.BYTES * convolutionSize + 2L * Float.BYTES * stateSize;
    }

    /**
     * The inputs before a position, [kernelSize - 1, channels], oldest first, to be moved on by it.
     *
     * @param first whether it is the sequence's first position in the batch
     */
    public float[] convolution(boolean first) {
        if (first) {
            System.arraycopy(convolution, 0, nextConvolution, 0, convolution.length);
        }
        return nextConvolution;
    }

    /**
     * The matrix state before a position, of which {@code count} values from index {@code from} on are to be moved on by it. All
     * values are in the course of a batch.
     *
     * @param first whether it is the sequence's first position in the batch
     */
    public float[] state(boolean first, int from, int count) {
        if (first) {
            System.arraycopy(state, from, nextState, from, count);
        }
        return nextState;
    }

    /** Keeps what the batch computed. */
    void commit() {
        float[] oldConvolution = convolution;
        convolution = nextConvolution;
        nextConvolution = oldConvolution;
        float[] oldState = state;
        state = nextState;
        nextState = oldState;
    }

    void clear() {
        Arrays.fill(convolution, 0);
        Arrays.fill(state, 0);
    }
}
