package dev.nibble.cli;

import dev.nibble.cli.models.Environment;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * Where a command reads and writes.
 *
 * @param in input
 * @param out results alone; a write that fails is a {@link ResultStream.LostException}
 * @param err everything else
 * @param interactive whether a person types into {@code in} and reads {@code out}
 * @param errTerminal whether {@code err} is a terminal, so that a line can be overwritten
 * @param environment variables and folders
 */
record Streams(
        InputStream in,
        PrintStream out,
        PrintStream err,
        boolean interactive,
        boolean errTerminal,
        Environment environment) {

    /** Those of the process. Text is UTF-8 whatever the locale, as JSON and models are. */
    @SuppressWarnings("SystemConsoleNull") // since JDK 25 it is null again where no terminal is
    static Streams system() {
        Console console = System.console();
        boolean interactive = console != null && console.isTerminal();
        return new Streams(
                System.in,
                ResultStream.printing(new FileOutputStream(FileDescriptor.out)),
                new PrintStream(new FileOutputStream(FileDescriptor.err), false, StandardCharsets.UTF_8),
                interactive,
                Boolean.getBoolean("nibble.stderr.terminal"),
                Environment.system());
    }
}
