package dev.nibble.cli;

import dev.nibble.PromptProgress;
import java.io.PrintStream;

/** Shows on a terminal how far the evaluation of a long prompt is, in a line that goes when it is done. */
final class PromptLine implements PromptProgress {
    private static final String ERASE = "\r\033[K";

    private final PrintStream err;
    private final boolean terminal;
    private boolean visible;

    PromptLine(PrintStream err, boolean terminal) {
        this.err = err;
        this.terminal = terminal;
    }

    @Override
    public void evaluated(int evaluated, int total) {
        if (evaluated >= total) {
            erase();
        } else if (terminal) {
            err.print(ERASE + "Reading the prompt: " + 100L * evaluated / total + " % of " + total + " tokens");
            err.flush();
            visible = true;
        }
    }

    /** Takes the line away where it stands. */
    void erase() {
        if (visible) {
            err.print(ERASE);
            err.flush();
            visible = false;
        }
    }
}
