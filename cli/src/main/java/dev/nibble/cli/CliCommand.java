package dev.nibble.cli;

import dev.nibble.cli.models.ModelResolver;
import dev.nibble.cli.models.ResolvedModel;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ParentCommand;

/** What all commands have: the streams, the models, and errors that reach the user. */
abstract class CliCommand implements Callable<Integer> {
    @ParentCommand
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private Nibble nibble;

    /** Does the command's work. */
    abstract void execute() throws IOException;

    @Override
    public final Integer call() throws IOException {
        try {
            execute();
        } catch (OutOfMemoryError | StackOverflowError | ExceptionInInitializerError | NoClassDefFoundError e) {
            throw new Cli.Fatal(e);
        }
        return 0;
    }

    Streams streams() {
        return nibble.streams();
    }

    PrintStream out() {
        return streams().out();
    }

    PrintStream err() {
        return streams().err();
    }

    boolean debug() {
        return nibble.debug();
    }

    ModelResolver resolver() {
        return new ModelResolver(streams().environment(), reporter());
    }

    ConsoleReporter reporter() {
        return new ConsoleReporter(err(), streams().errTerminal());
    }

    /** As {@link #open}; where nobody names a model, the default one. */
    ResolvedModel openOrDefault(@Nullable String locator) throws IOException {
        return locator == null ? new ResolvedModel(resolver().resolveDefault()) : open(locator);
    }

    /** The file of a model alone, got first where it is not there; a wrong locator is bad usage. Who runs it calls {@link #open}. */
    Path resolve(String locator) throws IOException {
        return open(locator).file();
    }

    /** The file of a model as {@link #resolve}, and what it comes with. */
    ResolvedModel open(String locator) throws IOException {
        try {
            return resolver().open(locator);
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()), e);
        }
    }
}
