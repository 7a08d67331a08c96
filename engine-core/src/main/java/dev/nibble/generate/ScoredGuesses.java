package dev.nibble.generate;

/**
 * The scores of guesses that were evaluated beside the last certain token of a session: what follows that one, and what follows each
 * guess if those up to it are right. It is used again for each evaluation, so that a step allocates nothing.
 */
final class ScoredGuesses {
    private final int vocabSize;
    /** [guesses + 1, vocabSize]. */
    private float[] scores = {};

    private int wanted;
    private double firstProbability;
    private double furtherProbability;
    private boolean always;
    /** How many tokens there were before the guesses. */
    private int from;

    /** The last number of tokens after which the scores are there. */
    private int to = -1;

    private boolean canTakeBack = true;
    private int evaluated;
    private int accepted;

    ScoredGuesses(int vocabSize) {
        this.vocabSize = vocabSize;
    }

    /** Begins an evaluation with so many guesses. */
    void begin(int count, double first, double further, boolean insists) {
        if (scores.length < (count + 1) * vocabSize) {
            scores = new float[(count + 1) * vocabSize];
        }
        wanted = count;
        firstProbability = first;
        furtherProbability = further;
        always = insists;
    }

    /** Ends it: of the guesses behind the first {@code position} tokens so many were evaluated. */
    void end(int position, int count) {
        wanted = 0;
        from = position;
        to = position + count;
        evaluated += count;
    }

    /** Forgets the scores. */
    void forget() {
        to = -1;
    }

    /** How many guesses the evaluation that runs may have. */
    int wanted() {
        return wanted;
    }

    /** Says of rows that the last {@code count} of them are guesses. */
    void describe(Rows rows, int count) {
        rows.guess(count, firstProbability, furtherProbability, always);
    }

    /** Receives the scores. */
    float[] scores() {
        return scores;
    }

    /** A guess was right; copies the scores after the first {@code position} tokens. False if they are not there. */
    boolean accept(int position, float[] logits) {
        if (position > to) {
            return false;
        }
        accepted++;
        copy(position, logits);
        return true;
    }

    /** Copies the scores after the first {@code position} tokens. */
    void copy(int position, float[] logits) {
        System.arraycopy(scores, (position - from) * vocabSize, logits, 0, vocabSize);
    }

    /** Whether guesses could be taken back until now. */
    boolean canTakeBack() {
        return canTakeBack;
    }

    /** The sequence could not forget guesses. */
    void cannotTakeBack() {
        canTakeBack = false;
    }

    /** Guesses that were evaluated. */
    int evaluated() {
        return evaluated;
    }

    /** Guesses that were right. */
    int accepted() {
        return accepted;
    }
}
