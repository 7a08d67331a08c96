package dev.nibble.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Lines from a pipe or file: no prompts are shown, and Ctrl-C ends the program as it does elsewhere. */
final class PipedLines implements LineSource {
    private final BufferedReader reader;
    private boolean begun;

    PipedLines(InputStream in) {
        reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()));
    }

    @Override
    public @Nullable String next(String prompt) throws IOException {
        try {
            String line = reader.readLine();
            String text = line == null || begun ? line : Input.withoutMark(line);
            begun = true;
            return text;
        } catch (CharacterCodingException e) {
            throw new IOException("standard input is not text in UTF-8", e);
        }
    }

    @Override
    public boolean interactive() {
        return false;
    }

    @Override
    public int width() {
        return 0;
    }

    @Override
    public void remember(String message) {}

    @Override
    public void whileInterruptible(Runnable onInterrupt, Runnable work) {
        work.run();
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
