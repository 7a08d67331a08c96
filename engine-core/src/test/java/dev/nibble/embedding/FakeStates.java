package dev.nibble.embedding;

import dev.nibble.KvCacheType;
import dev.nibble.model.Model;
import dev.nibble.model.Model.Pooling;
import dev.nibble.model.ModelConfig;
import dev.nibble.spi.ActivationObserver;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A model without weights: the state of a token is (token, position). */
final class FakeStates implements ForwardPass {
    static final int HIDDEN = 2;

    /** Rows of each evaluation. */
    final List<Integer> batches = new ArrayList<>();

    int openSequences;
    private final int maxBatchRows;

    FakeStates(int maxBatchRows) {
        this.maxBatchRows = maxBatchRows;
    }

    /** A model that has a name and sizes, nothing else. */
    static Model model(int hiddenSize, @Nullable Pooling pooling) {
        Tensor embedding = new Tensor(
                "token_embd.weight",
                DType.F32,
                Shape.of(hiddenSize, 1),
                MemorySegment.ofArray(new byte[4 * hiddenSize]));
        ModelConfig config = new ModelConfig("fake", 1, 64, hiddenSize, 0, 1, 1, 0);
        return new Model(config, embedding, null, List.of(), null, null, pooling, List.of());
    }

    private final class State implements Sequence {
        private final int capacity;
        private int length;

        State(int capacity) {
            this.capacity = capacity;
        }

        @Override
        public int capacity() {
            return capacity;
        }

        @Override
        public int length() {
            return length;
        }

        @Override
        public boolean truncate(int newLength) {
            throw new AssertionError();
        }

        @Override
        public void close() {
            openSequences--;
        }
    }

    @Override
    public int maxBatchRows() {
        return maxBatchRows;
    }

    @Override
    public int outputSize() {
        return HIDDEN;
    }

    @Override
    public Sequence newSequence(int contextLength, KvCacheType type) {
        openSequences++;
        return new State(contextLength);
    }

    @Override
    public long sequenceBytes(int contextLength, KvCacheType type) {
        return contextLength;
    }

    @Override
    public long workspaceBytes() {
        return 0;
    }

    @Override
    public void evaluate(Batch batch, float[] states, BooleanSupplier cancelled) {
        if (cancelled.getAsBoolean()) {
            throw new CancellationException();
        }
        batches.add(batch.size());
        int at = 0;
        for (int row = 0; row < batch.size(); row++) {
            State state = (State) batch.sequence(row);
            if (batch.position(row) != state.length || state.length == state.capacity) {
                throw new AssertionError("row " + row + " does not continue its sequence");
            }
            state.length++;
            if (batch.wantsLogits(row)) {
                states[at++] = batch.token(row);
                states[at++] = batch.position(row);
            }
        }
    }

    @Override
    public void observe(@Nullable ActivationObserver observer) {}

    @Override
    public void close() {}
}
