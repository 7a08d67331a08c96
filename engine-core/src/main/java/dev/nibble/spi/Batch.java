package dev.nibble.spi;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Rows to evaluate together: token, sequence, and whether its logits are wanted. Reusable, not thread-safe. */
public final class Batch {
    private final Sequence[] sequences;
    private final int[] tokens;
    private final int[] positions;
    private final boolean[] output;
    private final float[] @Nullable [] states;
    private int size;
    private int outputCount;

    /** An empty batch that takes up to {@code capacity} rows. */
    public Batch(int capacity) {
        sequences = new Sequence[capacity];
        tokens = new int[capacity];
        positions = new int[capacity];
        output = new boolean[capacity];
        states = new float[capacity][];
    }

    /** Removes all rows. */
    public void clear() {
        Arrays.fill(sequences, 0, size, null);
        Arrays.fill(states, 0, size, null);
        size = 0;
        outputCount = 0;
    }

    /** Appends the next token of {@code sequence}; its position follows from the sequence and the rows before. */
    public void add(Sequence sequence, int token, boolean wantsLogits) {
        int position = sequence.length();
        for (int row = size - 1; row >= 0; row--) {
            if (sequences[row] == sequence) {
                position = positions[row] + 1;
                break;
            }
        }
        sequences[size] = sequence;
        tokens[size] = token;
        positions[size] = position;
        output[size] = wantsLogits;
        size++;
        if (wantsLogits) {
            outputCount++;
        }
    }

    /**
     * As {@link #add(Sequence, int, boolean)}, for a model that reads a state beside each token.
     *
     * @param state [hiddenSize], not copied
     */
    public void add(Sequence sequence, int token, float[] state, boolean wantsLogits) {
        add(sequence, token, wantsLogits);
        states[size - 1] = state;
    }

    /** Rows it can take. */
    public int capacity() {
        return tokens.length;
    }

    /** Number of rows. */
    public int size() {
        return size;
    }

    /** Number of rows that want logits. */
    public int outputCount() {
        return outputCount;
    }

    /** The sequence of a row. */
    public Sequence sequence(int row) {
        return sequences[row];
    }

    /** The token of a row. */
    public int token(int row) {
        return tokens[row];
    }

    /** The state that is read beside the token of a row; null for none. */
    public float @Nullable [] state(int row) {
        return states[row];
    }

    /** The position of a row in its sequence. */
    public int position(int row) {
        return positions[row];
    }

    /** Whether the logits of a row are wanted. */
    public boolean wantsLogits(int row) {
        return output[row];
    }
}
