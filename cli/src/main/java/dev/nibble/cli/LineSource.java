package dev.nibble.cli;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Where a chat gets its lines from: a person with an editor, or a pipe. */
interface LineSource extends AutoCloseable {

    /** The person pressed Ctrl-C instead of finishing the line. */
    final class InterruptedLineException extends Exception {
        private static final long serialVersionUID = 1L;
    }

    /**
     * The next line without its end, or null when there is none. A message over several lines that was typed before may
     * come back as one.
     *
     * @param prompt shown to a person
     */
    @Nullable String next(String prompt) throws IOException, InterruptedLineException;

    /** Whether a person types the lines, who sees what goes wrong and can try again. */
    boolean interactive();

    /** Columns of the terminal now, 0 where there is none or they are not known. */
    int width();

    /** Keeps a message, of one line or several, for the person to come back to. */
    void remember(String message);

    /** Runs {@code work}; while it does, Ctrl-C calls {@code onInterrupt} instead of ending the program. */
    void whileInterruptible(Runnable onInterrupt, Runnable work);

    @Override
    void close() throws IOException;
}
