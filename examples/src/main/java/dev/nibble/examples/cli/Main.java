package dev.nibble.examples.cli;

/** The program: reads the command line, runs the command, ends with its exit code. */
public final class Main {
    private Main() {}

    /** Starts the command line on the streams of the process. */
    public static void main(String[] args) {
        StandardError.restore();
        int exitCode = new Cli(Streams.system()).run(args);
        ClassArchive.afterCommand(exitCode);
        System.exit(exitCode);
    }
}
