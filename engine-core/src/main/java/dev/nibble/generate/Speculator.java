package dev.nibble.generate;

import dev.nibble.tokenizer.Vocabulary;
import java.util.OptionalInt;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Has guesses of what a session generates evaluated beside its tokens, where that pays: how often guesses were right is learnt here,
 * what a batch takes by {@link StepCost}. What is chosen is not changed by it, only when its scores are computed.
 */
final class Speculator {
    /** How often further guesses are right where those before are, before it is known. */
    private static final double FURTHER = 0.75;

    /** Of about so many guesses the average is taken. */
    private static final int REMEMBERED = 24;

    /** Guesses that take time are tried again after so many tokens, and after twice as many each time that is in vain. */
    private static final int FIRST_PAUSE = 16;

    private static final int LONGEST_PAUSE = 512;
    private static final int TRIED = 4;

    /** Scores that are kept at a time, about: 8 MB. */
    private static final int SCORES = 1 << 21;

    private final TokenContext context;
    private final int most;
    /** Whether so many are guessed each time, rather than as many as pay. */
    private final boolean always;

    private final Drafter drafter;
    private final IntPredicate ends;
    private final int[] guesses = new int[Drafter.MOST];
    private final double[] first = new double[Drafter.KINDS];
    private final int[] seen = new int[Drafter.KINDS];
    private double further = FURTHER;
    private int furtherSeen;
    /** Where the last guesses begin, of which there are {@link #length}. */
    private int at;

    private int length;
    private int paused;
    private int pause = FIRST_PAUSE;

    private final int evaluatedBefore;
    private final int acceptedBefore;

    /** @param tokens how many are guessed each time; empty for as many as pay */
    Speculator(TokenContext context, Drafter drafter, OptionalInt tokens, Vocabulary vocabulary) {
        this.context = context;
        this.drafter = drafter;
        always = tokens.isPresent();
        most = tokens.orElseGet(() -> Math.clamp(SCORES / context.vocabSize() - 1, 2, Drafter.MOST));
        ends = vocabulary::isEndOfGeneration;
        for (int kind = 0; kind < Drafter.KINDS; kind++) {
            first[kind] = drafter.expected(kind);
        }
        evaluatedBefore = context.guesses().evaluated();
        acceptedBefore = context.guesses().accepted();
    }

    /**
     * The scores of the next token, as {@link TokenContext#nextLogits(Cancellation)}.
     *
     * @param room how many tokens may follow that one
     * @param constraint only tokens that it allows are guessed; null for all
     */
    float[] nextLogits(int room, @Nullable ConstrainedText constraint, Cancellation cancellation) {
        if (context.knownLogits() != null || !context.canGuess()) {
            return context.nextLogits(cancellation);
        }
        learn();
        int wanted = wanted(Math.min(room, most));
        int count = wanted <= 0 ? 0 : drafter.propose(context.tokens(), context.count(), guesses, wanted, cancellation);
        length = allowed(beforeEnd(count), 1, constraint); // what may not come is no guess
        at = context.count();
        double probability = first[drafter.kind()];
        int evaluated = length == 0 || always || drafter.isCostly()
                ? length
                : context.payingGuesses(length, probability, further, 0);
        evaluated = allowed(evaluated, evaluated, constraint);
        return context.nextLogits(guesses, evaluated, probability, further, always, cancellation);
    }

    /** How many guesses are to be made. */
    private int wanted(int limit) {
        if (always || !drafter.isCostly() || limit <= 0) {
            return limit;
        }
        int paying = context.payingGuesses(limit, first[drafter.kind()], further, drafter.nanosEach());
        if (paying > 0) {
            paused = 0;
            pause = FIRST_PAUSE;
            return paying;
        }
        if (++paused < pause) {
            return 0;
        }
        paused = 0;
        pause = Math.min(2 * pause, LONGEST_PAUSE);
        return Math.min(limit, TRIED);
    }

    /** How many of the guesses may come, of which the first {@code looked} are looked at. */
    private int allowed(int count, int looked, @Nullable ConstrainedText constraint) {
        if (constraint == null || count == 0) {
            return count;
        }
        int most = Math.min(count, looked);
        int fits = constraint.allowedLength(guesses, most);
        return fits < most ? fits : count;
    }

    /** How many guesses there are before one that ends the generation. */
    private int beforeEnd(int count) {
        int kept = 0;
        while (kept < count && !ends.test(guesses[kept])) {
            kept++;
        }
        return kept;
    }

    /** Compares the last guesses with what came, were they evaluated or not. */
    private void learn() {
        int known = Math.min(length, context.count() - at);
        int[] tokens = context.tokens();
        for (int i = 0; i < known; i++) {
            boolean right = tokens[at + i] == guesses[i];
            if (i == 0) {
                int kind = drafter.kind();
                first[kind] = average(first[kind], right, ++seen[kind]);
            } else {
                further = average(further, right, ++furtherSeen);
            }
            if (!right) {
                break;
            }
        }
        length = 0;
    }

    private static double average(double before, boolean right, int seen) {
        return before + ((right ? 1 : 0) - before) / Math.min(seen + 2, REMEMBERED);
    }

    /** The generation has ended. */
    void pause() {
        drafter.pause();
    }

    /** Guesses that were evaluated. */
    int drafted() {
        return context.guesses().evaluated() - evaluatedBefore;
    }

    /** Guesses that were right. */
    int accepted() {
        return context.guesses().accepted() - acceptedBefore;
    }
}
