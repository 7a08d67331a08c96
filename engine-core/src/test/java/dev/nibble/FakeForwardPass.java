package dev.nibble;

import dev.nibble.spi.ActivationObserver;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A model without weights: the logits are pseudo-random numbers seeded with the tokens so far, so that a wrong history
 * shows. Batches are small, that prompts go in several.
 */
final class FakeForwardPass implements ForwardPass {
    static final int MAX_BATCH_ROWS = 8;

    /** Every row evaluated, in all sequences. */
    final AtomicInteger evaluatedRows = new AtomicInteger();
    /** The most probable next token, when set. */
    @Nullable ToIntFunction<List<Integer>> next;
    /** Runs inside every evaluation. */
    volatile Runnable duringEvaluation = () -> {};

    /** Runs when the size of a sequence is asked for, as before each evaluation. */
    volatile Runnable duringSizing = () -> {};

    /** Sees every batch, before it is evaluated. */
    volatile Consumer<Batch> onBatch = batch -> {};

    Runnable onClose = () -> {};
    /** Sequences that are not closed. */
    final AtomicInteger openSequences = new AtomicInteger();

    boolean canTruncate = true;
    /** Whether it chooses tokens itself. */
    boolean canChoose;
    /** How often it was asked for tokens, and for logits. */
    int choices;

    int evaluations;
    boolean damaged;
    boolean overflowed;
    boolean outOfMemory;
    long bytesPerToken = 1000;
    long bufferBytes;
    int maxContextLength = Integer.MAX_VALUE;
    int maxBatchRows = MAX_BATCH_ROWS;
    boolean closed;
    private final int vocabSize;

    FakeForwardPass(int vocabSize) {
        this.vocabSize = vocabSize;
    }

    private final class FakeSequence implements Sequence {
        private final int capacity;
        private List<Integer> tokens = new ArrayList<>();
        private boolean sequenceClosed;

        FakeSequence(int capacity) {
            this.capacity = capacity;
            openSequences.incrementAndGet();
        }

        @Override
        public int capacity() {
            return capacity;
        }

        @Override
        public int length() {
            return tokens.size();
        }

        @Override
        public boolean truncate(int length) {
            if (length > 0 && length < tokens.size() && !canTruncate) {
                return false;
            }
            tokens = new ArrayList<>(tokens.subList(0, length));
            return true;
        }

        @Override
        public void close() {
            if (!sequenceClosed) {
                openSequences.decrementAndGet();
            }
            sequenceClosed = true;
        }
    }

    @Override
    public int outputSize() {
        return vocabSize;
    }

    @Override
    public int maxBatchRows() {
        return maxBatchRows;
    }

    @Override
    public int maxContextLength() {
        return maxContextLength;
    }

    @Override
    public Sequence newSequence(int contextLength, KvCacheType type) {
        if (outOfMemory) {
            throw new OutOfMemoryError("Cannot reserve memory");
        }
        return new FakeSequence(contextLength);
    }

    @Override
    public long sequenceBytes(int contextLength, KvCacheType type) {
        duringSizing.run();
        return contextLength * bytesPerToken;
    }

    @Override
    public long workspaceBytes() {
        return 5000;
    }

    @Override
    public boolean hasOverflowed(Sequence sequence) {
        return overflowed;
    }

    @Override
    public long bufferBytes(int rows) {
        return bufferBytes;
    }

    @Override
    public boolean canChoose() {
        return canChoose;
    }

    @Override
    public void choose(Batch batch, int[] tokens, float[] logProbabilities, BooleanSupplier cancelled) {
        choices++;
        float[] logits = new float[batch.outputCount() * vocabSize];
        run(batch, logits, cancelled);
        for (int row = 0; row < batch.outputCount(); row++) {
            int best = 0;
            double sum = 0;
            for (int id = 0; id < vocabSize; id++) {
                sum += Math.exp(logits[row * vocabSize + id]);
                best = logits[row * vocabSize + id] > logits[row * vocabSize + best] ? id : best;
            }
            tokens[row] = best;
            logProbabilities[row] = (float) (logits[row * vocabSize + best] - Math.log(sum));
        }
    }

    @Override
    public void evaluate(Batch batch, float[] logits, BooleanSupplier cancelled) {
        evaluations++;
        run(batch, logits, cancelled);
    }

    private void run(Batch batch, float[] logits, BooleanSupplier cancelled) {
        duringEvaluation.run();
        onBatch.accept(batch);
        if (cancelled.getAsBoolean()) {
            throw new CancellationException("fake");
        }
        if (batch.size() < 1 || batch.size() > maxBatchRows) {
            throw new AssertionError("a batch of " + batch.size());
        }
        int output = 0;
        for (int row = 0; row < batch.size(); row++) {
            FakeSequence sequence = (FakeSequence) batch.sequence(row);
            if (sequence.sequenceClosed || closed) {
                throw new AssertionError("used after it was closed");
            }
            if (batch.position(row) != sequence.tokens.size() || sequence.tokens.size() == sequence.capacity) {
                throw new AssertionError("position " + batch.position(row) + " after " + sequence.tokens.size());
            }
            sequence.tokens.add(batch.token(row));
            evaluatedRows.incrementAndGet();
            if (batch.wantsLogits(row)) {
                fill(logits, output++ * vocabSize, sequence.tokens);
            }
        }
    }

    private void fill(float[] logits, int offset, List<Integer> tokens) {
        SplittableRandom random = new SplittableRandom(tokens.hashCode());
        for (int i = 0; i < vocabSize; i++) {
            logits[offset + i] = (float) (4 * random.nextDouble());
        }
        ToIntFunction<List<Integer>> choice = next;
        if (choice != null) {
            logits[offset + choice.applyAsInt(tokens)] = 30;
        } else {
            // Without a script the model ends by chance only, far from every test's limit.
            Arrays.fill(logits, offset + ByteTokenizer.BOS, offset + vocabSize, -30);
        }
        if (damaged) {
            logits[offset] = Float.NaN;
        }
    }

    @Override
    public void observe(@Nullable ActivationObserver observer) {}

    @Override
    public void close() {
        closed = true;
        onClose.run();
    }
}
