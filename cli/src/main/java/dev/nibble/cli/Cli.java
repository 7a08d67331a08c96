package dev.nibble.cli;

import dev.nibble.ContextOverflowException;
import dev.nibble.NibbleException;
import dev.nibble.OutOfMemoryException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
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
                    try {
                        return new CommandLine.RunLast().execute(parsed);
                    } catch (ResultStream.LostException e) { // of a help text; picocli would print the stack
                        return lost(e);
                    }
                })
                .setParameterExceptionHandler((e, arguments) -> wrongParameters(e, arguments.length))
                .setExecutionExceptionHandler((e, command, result) -> failed(nibble, command, e));
        HelpText.arrange(commandLine);
        try {
            int code = commandLine.execute(args);
            streams.out().flush();
            return code;
        } catch (ResultStream.LostException e) {
            return lost(e);
        } finally {
            streams.err().flush();
        }
    }

    /** Who gives nothing at all gets the help. */
    private int wrongParameters(CommandLine.ParameterException e, int given) {
        if (given > 0) {
            return badUsage(e.getCommandLine(), explain(e));
        }
        e.getCommandLine().usage(e.getCommandLine().getErr());
        return BAD_USAGE;
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
        Throwable e = failure instanceof Fatal fatal ? fatal.error() : failure;
        if (nibble.debug()) {
            e.printStackTrace(streams.err());
        }
        return switch (e) {
            case UsageException usage -> badUsage(command, usage.getMessage());
            case ResultStream.LostException lost -> lost(lost);
            case CancellationException cancelled -> INTERRUPTED;
            case IOException io -> reason(ErrorMessages.of(io));
            case UncheckedIOException io -> reason(ErrorMessages.of(io));
            case ContextOverflowException overflow -> reason(overflow.getMessage() + " (--ctx)");
            case OutOfMemoryException memory -> reason(MemoryAdvice.of(memory));
            case NibbleException nibbleException -> reason(ErrorMessages.of(nibbleException));
            case IllegalArgumentException argument -> reason(ErrorMessages.of(argument));
            case IllegalStateException state -> reason(ErrorMessages.of(state));
            case OutOfMemoryError memory ->
                reason("not enough memory for the Java heap (" + memory.getMessage()
                        + "); give it more with NIBBLE_JAVA_OPTS=-Xmx4g");
            default -> reason("internal error: " + e + (nibble.debug() ? "" : " (--debug shows where)"));
        };
    }

    /** A reader who has seen enough is no failure; a result that is lost is one. */
    private int lost(ResultStream.LostException lost) {
        return lost.isClosedPipe() ? 0 : reason(lost.getMessage());
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

    private static String oneLine(@Nullable String message) {
        return message == null ? "no reason given" : message.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
