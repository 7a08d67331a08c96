package dev.nibble.cpu.interleaved;

/**
 * A loop over a piece of a matrix.
 *
 * <p>Steps are called through one call site that sees all of them, so that the compiler does not inline them into their
 * callers. Together they would pass the size at which it stops inlining, and what is not inlined boxes its vectors.
 */
@FunctionalInterface
interface Step {
    void run(Piece piece);

    /** Runs a step; the one call site. */
    static void call(Step step, Piece piece) {
        step.run(piece);
    }
}
