package dev.nibble.examples.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Lines from a pipe or file: no prompts are shown, and Ctrl-C ends the program as it does elsewhere. */
final class PipedLines implements LineSource {
    private final BufferedReader reader;

    PipedLines(InputStream in) {
        reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    }

    @Override
    public @Nullable String next(String prompt) throws IOException {
        return reader.readLine();
    }

    @Override
    public void whileInterruptible(Runnable onInterrupt, Runnable work) {
        work.run();
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
