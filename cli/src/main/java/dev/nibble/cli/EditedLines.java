package dev.nibble.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.reader.impl.completer.StringsCompleter;
import org.jline.reader.impl.history.DefaultHistory;
import org.jline.terminal.Attributes;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.Signals;
import org.jspecify.annotations.Nullable;

/** Lines from a person at a terminal, with editing, history over sessions, and completion of commands. */
final class EditedLines implements LineSource {
    private final Terminal terminal;
    private final LineReader reader;
    private final Messages messages = new Messages();

    /** What was said, whole messages; the lines that the reader would add are none. */
    private static final class Messages extends DefaultHistory {
        @Override
        public void add(Instant time, String line) {}

        void keep(String message) {
            super.add(Instant.now(), message);
        }
    }

    /**
     * @param history file that keeps the lines, or null to keep none
     * @param commands completed with Tab
     */
    EditedLines(@Nullable Path history, List<String> commands) throws IOException {
        if (history != null) {
            Files.createDirectories(history.toAbsolutePath().getParent());
        }
        terminal = TerminalBuilder.builder().system(true).dumb(true).build();
        DefaultParser plain = new DefaultParser();
        plain.setEscapeChars(null); // a backslash is text
        plain.setQuoteChars(new char[0]);
        LineReaderBuilder builder = LineReaderBuilder.builder()
                .terminal(terminal)
                .parser(plain)
                .completer(new StringsCompleter(commands))
                .variable(LineReader.SECONDARY_PROMPT_PATTERN, ". ")
                .history(messages)
                .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true); // an exclamation mark too
        reader = (history == null ? builder : builder.variable(LineReader.HISTORY_FILE, history)).build();
    }

    @Override
    public @Nullable String next(String prompt) throws InterruptedLineException {
        try {
            return reader.readLine(prompt);
        } catch (UserInterruptException e) {
            throw (InterruptedLineException) new InterruptedLineException().initCause(e);
        } catch (EndOfFileException e) {
            return null;
        }
    }

    @Override
    public boolean interactive() {
        return true;
    }

    @Override
    public int width() {
        return Math.max(0, terminal.getSize().getColumns());
    }

    @Override
    public void remember(String message) {
        messages.keep(message);
    }

    /** What is typed meanwhile is not shown in the midst of the answer, but waits for the next prompt. */
    @Override
    public void whileInterruptible(Runnable onInterrupt, Runnable work) {
        Object before = Signals.register("INT", onInterrupt);
        Attributes attributes = terminal.getAttributes();
        Attributes silent = new Attributes(attributes);
        silent.setLocalFlag(Attributes.LocalFlag.ECHO, false);
        terminal.setAttributes(silent);
        try {
            work.run();
        } finally {
            terminal.setAttributes(attributes);
            Signals.unregister("INT", before);
        }
    }

    @Override
    public void close() throws IOException {
        terminal.close();
    }
}
