package dev.nibble.generate;

import dev.nibble.OutOfMemoryException;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.util.Arrays;
import java.util.function.Supplier;

/**
 * Guesses with a block of the model that predicts a token more. For a position it reads the model's state there and the token behind
 * it; for each guess but the first it reads its own state and the guess before.
 *
 * <p>The row of a position is evaluated when a guess is wanted, from the state that the session's sequence keeps of it. Of a text whose
 * earlier states are not there any more it sees the end only, which makes guesses worse and nothing wrong.
 */
public final class PredictionDrafter extends TimedDrafter implements AutoCloseable {
    /** States of the session's sequence that are kept. */
    private static final int KEPT = 512;

    /** Rows it remembers at most; then it begins anew with the states that are kept. */
    private static final int CAPACITY = 4096;

    /** Rows that are evaluated at once. */
    private static final int ROWS = 32;

    private final Sequence text;
    private final ForwardPass pass;
    private final Sequence rows;
    /** The position of the first row. */
    private int base;
    /** The tokens that the rows are of. */
    private int[] tokens = new int[64];

    private int count;
    private final Batch batch = new Batch(ROWS);
    private final float[][] states;
    private final float[] logits;
    private boolean outOfMemory;

    /**
     * @param context of the session
     * @param block its pass, see {@link dev.nibble.model.PredictionBlock#alone}; asked for if the backend keeps states
     * @param hiddenSize of a state
     * @param normed which states it reads
     * @throws UnsupportedOperationException if the backend does not keep states
     */
    public PredictionDrafter(TokenContext context, Supplier<ForwardPass> block, int hiddenSize, boolean normed) {
        text = context.evaluated();
        if (!text.keepStates(KEPT, normed)) {
            throw new UnsupportedOperationException(
                    "the backend does not keep the states that blocks that predict read");
        }
        pass = block.get();
        states = new float[ROWS][hiddenSize];
        logits = new float[pass.outputSize()];
        rows = pass.newSequence(Math.min(CAPACITY, context.capacity()), context.types());
        rows.keepStates(1, normed);
        if (!context.isShared()) {
            rows.eraseFreed();
        }
    }

    @Override
    public int propose(int[] all, int length, int[] guesses, int most, Cancellation cancellation) {
        int end = length - 1; // the last row is that of the position before the last token
        int from = text.statesFrom();
        if (outOfMemory || most < 1 || from >= end || text.length() < end) {
            return 0;
        }
        try {
            follow(all, length);
            if (rows.length() > 0 && base + rows.length() == end) { // its scores are wanted again
                back(rows.length() - 1);
            }
            if (rows.length() == 0 || base + rows.length() < from || end - base + most > rows.capacity()) {
                rows.truncate(0);
                base = from;
            }
            return guess(end, guesses, Math.min(most, rows.capacity() - (end - base) + 1), cancellation);
        } catch (OutOfMemoryException e) { // the generation needs no guesses
            outOfMemory = true;
            return 0;
        }
    }

    /** Keeps the rows that are of these tokens. */
    private void follow(int[] all, int length) {
        int mismatch = Arrays.mismatch(tokens, 0, count, all, 0, length);
        int same = mismatch < 0 ? length : mismatch;
        back(Math.clamp(same - 1L - base, 0, rows.length()));
        if (tokens.length < length) {
            tokens = new int[Math.max(length, 2 * tokens.length)];
            same = 0;
        }
        System.arraycopy(all, same, tokens, same, length - same);
        count = length;
    }

    private void back(int length) {
        if (length < rows.length() && !rows.truncate(length)) {
            rows.truncate(0); // a window that cannot go back so far
        }
    }

    private int guess(int end, int[] guesses, int most, Cancellation cancellation) {
        long begin = System.nanoTime();
        int next = base + rows.length();
        int read = end - next;
        int made = 0;
        try {
            for (; next < end; next += batch.size()) {
                batch.clear();
                for (int position = next; position < Math.min(end, next + ROWS); position++) {
                    text.copyState(position, states[position - next]);
                    batch.add(rows, tokens[position + 1], states[position - next], position == end - 1);
                }
                pass.evaluate(batch, logits, cancellation);
            }
            guesses[made++] = mostProbable();
            while (made < most) {
                rows.copyState(rows.length() - 1, states[0]);
                batch.clear();
                batch.add(rows, guesses[made - 1], states[0], true);
                pass.evaluate(batch, logits, cancellation);
                guesses[made++] = mostProbable();
            }
        } finally {
            batch.clear();
            back(Math.min(rows.length(), end - base));
        }
        learn(System.nanoTime() - begin, made, read);
        return made;
    }

    private int mostProbable() {
        int best = 0;
        for (int id = 1; id < logits.length; id++) {
            best = logits[id] > logits[best] ? id : best;
        }
        return best;
    }

    @Override
    public void close() {
        rows.close();
    }
}
