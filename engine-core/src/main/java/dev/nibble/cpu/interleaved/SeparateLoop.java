package dev.nibble.cpu.interleaved;

/**
 * A loop over some columns of a group of rows, which is not inlined.
 *
 * <p>All such loops are called through one call site, so that the compiler, which sees many of them there, does not inline
 * them into their callers. Together they would pass the size at which it stops inlining, and what is not inlined boxes its vectors.
 */
@FunctionalInterface
interface SeparateLoop {
    void run(RowTask task);

    /** Runs a loop; the one call site. */
    static void call(SeparateLoop loop, RowTask task) {
        loop.run(task);
    }
}
