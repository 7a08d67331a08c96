package dev.nibble.examples.cli;

import dev.nibble.ContextOverflowException;
import dev.nibble.NibbleException;
import dev.nibble.OutOfMemoryException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** Runs one command line: 0 for success, 1 for a failed run, 2 for bad usage, with a reason in one line. */
final class Cli {
    static final int FAILED = 1;
    static final int BAD_USAGE = 2;
    static final int INTERRUPTED = 130;

    private final Streams streams;

    Cli(Streams streams) {
        this.streams = streams;
    }

    /** Runs the command and returns the exit code. */
    int run(String... args) {
        Nibble nibble = new Nibble(streams);
        CommandLine commandLine = new CommandLine(nibble)
                .setExpandAtFiles(false) // a prompt may begin with @
                .setOut(new PrintWriter(streams.out(), true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(streams.err(), true, StandardCharsets.UTF_8))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true)
                .setExecutionStrategy(parsed -> {
                    Logging.configure(nibble.debug(), streams.err());
                    return new CommandLine.RunLast().execute(parsed);
                })
                .setParameterExceptionHandler((e, arguments) -> badUsage(e.getCommandLine(), explain(e)))
                .setExecutionExceptionHandler((e, command, result) -> failed(nibble, command, e));
        commandLine
                .getHelpSectionMap()
                .put(CommandLine.Model.UsageMessageSpec.SECTION_KEY_EXIT_CODE_LIST_HEADING, help -> "");
        try {
            return commandLine.execute(args);
        } finally {
            streams.out().flush();
            streams.err().flush();
        }
    }

    private int badUsage(CommandLine command, @Nullable String message) {
        String help = command.getCommandSpec().qualifiedName() + " --help";
        streams.err().println("nibble: " + oneLine(message) + " (see '" + help + "')");
        return BAD_USAGE;
    }

    private static @Nullable String explain(CommandLine.ParameterException e) {
        if (e instanceof CommandLine.UnmatchedArgumentException unmatched
                && e.getCommandLine().getParent() == null
                && !unmatched.getUnmatched().get(0).startsWith("-")) {
            return "there is no command '" + unmatched.getUnmatched().get(0) + "'; there are "
                    + String.join(", ", e.getCommandLine().getSubcommands().keySet());
        }
        return e.getMessage();
    }

    private int failed(Nibble nibble, CommandLine command, Exception failure) {
        streams.out().flush();
        Throwable e = failure instanceof Fatal fatal ? fatal.error() : failure;
        if (nibble.debug()) {
            e.printStackTrace(streams.err());
        }
        return switch (e) {
            case UsageException usage -> badUsage(command, usage.getMessage());
            case CancellationException cancelled -> INTERRUPTED;
            case IOException io -> reason(message(io));
            case ContextOverflowException overflow -> reason(overflow.getMessage() + " (--ctx)");
            case OutOfMemoryException memory -> reason(MemoryAdvice.of(memory));
            case NibbleException nibbleException -> reason(nibbleException.getMessage());
            case IllegalArgumentException argument -> reason(argument.getMessage());
            case IllegalStateException state -> reason(state.getMessage());
            case OutOfMemoryError memory ->
                reason("not enough memory for the Java heap (" + memory.getMessage()
                        + "); give it more with NIBBLE_JAVA_OPTS=-Xmx4g");
            default -> reason("internal error: " + e + (nibble.debug() ? "" : " (--debug shows where)"));
        };
    }

    /** Carries an Error through picocli, which reports only exceptions. */
    static final class Fatal extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Fatal(Error error) {
            super(error);
        }

        Throwable error() {
            Throwable cause = getCause();
            return cause == null ? this : cause;
        }
    }

    private int reason(@Nullable String message) {
        PrintStream err = streams.err();
        err.println("nibble: " + oneLine(message));
        return FAILED;
    }

    private static String message(IOException e) {
        String text = e.getMessage();
        return switch (e) {
            case NoSuchFileException missing -> "no such file: " + missing.getFile();
            case AccessDeniedException denied -> denied.getFile() + " may not be read or written";
            case FileSystemException file when file.getReason() != null -> file.getFile() + ": " + file.getReason();
            default -> text == null ? e.getClass().getSimpleName() : text;
        };
    }

    private static String oneLine(@Nullable String message) {
        return message == null ? "no reason given" : message.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
