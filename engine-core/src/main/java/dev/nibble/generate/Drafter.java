package dev.nibble.generate;

/** Guesses which tokens follow. Used by one thread at a time. */
public interface Drafter {
    /** Tokens that are guessed at a time at the most. */
    int MOST = 16;

    /** How many kinds of guesses there are at the most. */
    int KINDS = 8;

    /**
     * Guesses what follows.
     *
     * @param tokens those before; only the first {@code count} count. Since the last call tokens were added, none was changed
     * @param guesses receives the tokens
     * @param most of them
     * @param cancellation when it says true, there are no guesses
     * @return how many there are
     */
    int propose(int[] tokens, int count, int[] guesses, int most, Cancellation cancellation);

    /** The kind of the last guesses, less than {@link #KINDS}: how often those of a kind are right is learnt for it. */
    int kind();

    /** How often guesses of a kind are right, before it is known. */
    double expected(int kind);

    /** Whether guesses take time to make; if not, they are always made, to see whether they would be right. */
    boolean isCostly();

    /** Says that no guesses are wanted soon: a generation has ended. */
    default void pause() {}

    /** What making one takes on average; 0 if that is not known or nothing. */
    double nanosEach();
}
