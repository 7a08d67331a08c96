package dev.nibble.cli;

import dev.nibble.io.OutputFile;

/** The program: reads the command line, runs the command, ends with its exit code. */
public final class Main {
    private Main() {}

    /** Starts the command line on the streams of the process. */
    public static void main(String[] args) {
        StandardError.restore();
        // What a process that is told to stop was writing would stay there for good.
        Runtime.getRuntime().addShutdownHook(new Thread(OutputFile::deleteUnfinished, "nibble-unfinished"));
        int exitCode = new Cli(Streams.system()).run(args);
        ClassArchive.afterCommand(exitCode);
        System.exit(exitCode);
    }
}
