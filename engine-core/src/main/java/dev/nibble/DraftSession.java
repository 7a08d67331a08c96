package dev.nibble;

import dev.nibble.generate.Cancellation;
import dev.nibble.generate.TimedDrafter;
import dev.nibble.generate.TokenContext;
import dev.nibble.tokenizer.Vocabulary;

/** Guesses with a model of the same vocabulary, whose context follows the text of the session it guesses for. */
final class DraftSession extends TimedDrafter implements AutoCloseable {
    /** Tokens by which one vocabulary may be longer, as some are filled up to a round number. */
    private static final int PADDING = 128;

    private final LanguageModel model;
    private final SessionLock lock;
    private final TokenContext context;
    private final Vocabulary vocabulary;
    /** Only tokens with lower ids are guessed: those that both models have. */
    private final int ids;

    private boolean outOfMemory;

    /**
     * @param model guesses
     * @param lock of the context
     * @param ids tokens that both models have
     */
    DraftSession(LanguageModel model, SessionLock lock, TokenContext context, int ids) {
        this.model = model;
        this.lock = lock;
        this.context = context;
        this.ids = Math.min(ids, context.vocabSize());
        vocabulary = model.tokenizer().vocabulary();
    }

    /**
     * Checks that two models have the same tokens.
     *
     * @return how many both have
     * @throws DraftModelException if they do not
     */
    static int requireSame(Vocabulary target, Vocabulary draft) {
        int common = Math.min(target.size(), draft.size());
        for (int id = 0; id < common; id++) {
            if (!target.text(id).equals(draft.text(id))) {
                throw new DraftModelException("the draft model has another vocabulary: token " + id + " is '"
                        + draft.text(id) + "' there and '" + target.text(id)
                        + "' in the model it would guess for; use a smaller model of the same family");
            }
        }
        if (Math.abs(target.size() - draft.size()) > PADDING) {
            throw new DraftModelException("the draft model has another vocabulary: it has " + draft.size()
                    + " tokens, the model it would guess for " + target.size() + ", so that token " + common
                    + " is in one of them only; use a smaller model of the same family");
        }
        return common;
    }

    LanguageModel model() {
        return model;
    }

    @Override
    public int propose(int[] tokens, int count, int[] guesses, int most, Cancellation cancellation) {
        int limit = Math.min(most, context.capacity() - count);
        if (limit <= 0 || outOfMemory) {
            return 0;
        }
        if (!lock.tryEnter()) {
            throw new DraftModelException("the draft model was closed while a session generates with it; close the"
                    + " session first, or generate with another Speculation");
        }
        try {
            return context.canGuess() ? guess(tokens, count, guesses, limit, cancellation) : 0;
        } catch (OutOfMemoryException e) { // the generation needs no guesses
            outOfMemory = true;
            return 0;
        } finally {
            lock.exit();
        }
    }

    private int guess(int[] tokens, int count, int[] guesses, int most, Cancellation cancellation) {
        long begin = System.nanoTime();
        int before = context.count();
        context.follow(tokens, count);
        int made = 0;
        try {
            while (made < most) {
                int best = mostProbable(cancellation);
                if (vocabulary.isEndOfGeneration(best)) {
                    break;
                }
                guesses[made++] = best;
                if (made < most) {
                    context.append(best);
                }
            }
        } finally {
            context.unread(count);
        }
        learn(System.nanoTime() - begin, made, count - before);
        return made;
    }

    @Override
    public void pause() {
        if (lock.tryEnter()) {
            try {
                context.pause();
            } finally {
                lock.exit();
            }
        }
    }

    @Override
    public void close() {
        lock.close();
    }

    /** The most probable next token of those that both models have, the lowest among equals. */
    private int mostProbable(Cancellation cancellation) {
        if (context.canChoose()) {
            int chosen = context.chooseNext(cancellation);
            if (chosen < ids) {
                return chosen;
            }
        }
        float[] scores = context.nextLogits(cancellation);
        int best = 0;
        for (int id = 1; id < ids; id++) {
            best = scores[id] > scores[best] ? id : best;
        }
        return best;
    }
}
