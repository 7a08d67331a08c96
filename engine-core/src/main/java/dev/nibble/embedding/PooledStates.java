package dev.nibble.embedding;

import dev.nibble.model.Model.Pooling;

/** Collects the states of a text's tokens, in order, as the pooling needs them. */
final class PooledStates {
    private final Pooling pooling;
    private final int tokens;
    private final int hiddenSize;
    private final float[] states;
    private final double[] sum;
    private int count;

    PooledStates(Pooling pooling, int tokens, int hiddenSize) {
        this.pooling = pooling;
        this.tokens = tokens;
        this.hiddenSize = hiddenSize;
        states = new float[pooling == Pooling.NONE ? Math.multiplyExact(tokens, hiddenSize) : hiddenSize];
        sum = new double[pooling == Pooling.MEAN ? hiddenSize : 0];
    }

    /** Whether the state of a token is needed; only these are added. */
    boolean needs(int token) {
        return switch (pooling) {
            case NONE, MEAN -> true;
            case FIRST -> token == 0;
            case LAST -> token == tokens - 1;
        };
    }

    /** Takes the next needed state. */
    void add(float[] source, int offset) {
        switch (pooling) {
            case NONE -> System.arraycopy(source, offset, states, count * hiddenSize, hiddenSize);
            case FIRST, LAST -> System.arraycopy(source, offset, states, 0, hiddenSize);
            case MEAN -> {
                for (int i = 0; i < hiddenSize; i++) {
                    sum[i] += source[offset + i];
                }
            }
        }
        count++;
    }

    /** [hiddenSize], or [tokens, hiddenSize] without pooling. */
    float[] result() {
        for (int i = 0; i < sum.length; i++) {
            states[i] = (float) (sum[i] / count);
        }
        return states;
    }
}
