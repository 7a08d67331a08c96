package dev.nibble.benchmarks.inturn;

/** What is timed, of one version. Its implementation is loaded once for each version, together with that version. */
public interface Workload extends AutoCloseable {
    /** Evaluates a prompt, or generates tokens one at a time, in an empty context. */
    void run();

    @Override
    void close();
}
