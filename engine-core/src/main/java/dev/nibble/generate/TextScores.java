package dev.nibble.generate;

import java.util.Arrays;
import java.util.concurrent.CancellationException;

/** How probable a model finds a text, without the scores of all tokens at once. */
public final class TextScores {
    /** Logits that are held at a time, about: 32 MB. */
    private static final int LOGITS = 1 << 23;

    private TextScores() {}

    /**
     * Appends tokens to a context, evaluates everything pending, and gives for each of them the natural logarithm of the
     * probability with which it follows what is before it; NaN for the first of an empty context.
     *
     * @return [added.length]
     * @throws CancellationException when cancelled; what was evaluated so far stays
     */
    public static float[] of(TokenContext context, int[] added, Cancellation cancellation) {
        int vocabSize = context.vocabSize();
        float[] scores = new float[added.length];
        int most = Math.min(context.maxRows(), Math.max(16, LOGITS / vocabSize));
        for (int from = 0; from < added.length; from += most) {
            int[] part = Arrays.copyOfRange(added, from, Math.min(added.length, from + most));
            scores[from] = context.count() == 0
                    ? Float.NaN
                    : logProbability(context.nextLogits(cancellation), 0, vocabSize, part[0]);
            float[] after = context.evaluate(part, true, cancellation);
            for (int i = 1; i < part.length; i++) {
                scores[from + i] = logProbability(after, (i - 1) * vocabSize, vocabSize, part[i]);
            }
        }
        return scores;
    }

    private static float logProbability(float[] logits, int from, int vocabSize, int token) {
        return (float) (logits[from + token] - TopTokens.logSumExp(logits, from, vocabSize));
    }
}
