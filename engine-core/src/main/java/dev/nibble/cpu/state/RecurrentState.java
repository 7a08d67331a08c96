package dev.nibble.cpu.state;

import java.util.Arrays;

/**
 * What a recurrent layer keeps between positions: the last inputs of its convolution, and a matrix state.
 *
 * <p>A batch computes in memory of its own, which begins as a copy of what is kept and takes its place when the batch is committed.
 * So a batch that is given up has changed nothing, and nothing need be done about it.
 */
public final class RecurrentState {
    private static final float[] NONE = {};

    private final int convolutionSize;
    private final int stateSize;

    // after the last committed position; empty if that is the beginning
    private float[] convolution = NONE; // [kernelSize - 1, channels], oldest first
    private float[] state = NONE; // the layer's own shape

    // after the positions of the running batch so far; empty before there is one
    private float[] nextConvolution = NONE;
    private float[] nextState = NONE;

    RecurrentState(int convolutionSize, int stateSize) {
        this.convolutionSize = convolutionSize;
        this.stateSize = stateSize;
    }

    /** Bytes of a state of these sizes in a sequence that is evaluated. */
    static long bytes(int convolutionSize, int stateSize) {
        return 2 * keptBytes(convolutionSize, stateSize);
    }

    /** Bytes of one that is only kept. */
    static long keptBytes(int convolutionSize, int stateSize) {
        return Float.BYTES * ((long) convolutionSize + stateSize);
    }

    /** Allocates what a batch needs. */
    void reserve() {
        if (nextState.length < stateSize || nextConvolution.length < convolutionSize) {
            nextConvolution = new float[convolutionSize];
            nextState = new float[stateSize];
        }
        if (state.length < stateSize || convolution.length < convolutionSize) {
            convolution = new float[convolutionSize];
            state = new float[stateSize];
        }
    }

    /** Begins as another's. */
    void copyOf(RecurrentState other) {
        convolution = other.convolution.clone();
        state = other.state.clone();
        nextConvolution = NONE;
        nextState = NONE;
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

    /** The inputs of the convolution after the last committed position. */
    float[] convolution() {
        return convolution;
    }

    /** The matrix state after the last committed position. */
    float[] matrix() {
        return state;
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

    /** Erases and frees everything. */
    void free() {
        clear();
        Arrays.fill(nextConvolution, 0);
        Arrays.fill(nextState, 0);
        convolution = NONE;
        state = NONE;
        nextConvolution = NONE;
        nextState = NONE;
    }
}
