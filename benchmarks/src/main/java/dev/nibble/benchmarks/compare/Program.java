package dev.nibble.benchmarks.compare;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs a program to its end, keeping what it printed and the most memory it had resident. */
final class Program {
    private static final int POLL_MILLIS = 50;

    private Program() {}

    /** Standard output, and the peak resident set in bytes: 0 where the system does not tell. */
    record Result(String output, long peakMemory) {}

    /**
     * Runs a command; its standard error goes to ours.
     *
     * @throws IOException when it cannot be started, or ends with another code than 0
     */
    static Result run(List<String> command) throws IOException, InterruptedException {
        Path output = Files.createTempFile("nibble-compare", ".out");
        try {
            Process process = new ProcessBuilder(command)
                    .redirectInput(ProcessBuilder.Redirect.from(nullDevice()))
                    .redirectOutput(output.toFile())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            long peak = 0;
            do {
                peak = Math.max(peak, residentBytes(process.toHandle()));
            } while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS));
            if (process.exitValue() != 0) {
                throw new IOException("exit code " + process.exitValue() + " of: " + String.join(" ", command));
            }
            return new Result(Files.readString(output, StandardCharsets.UTF_8), peak);
        } finally {
            Files.deleteIfExists(output);
        }
    }

    /** The largest peak among a process and those it started: a launcher script is small beside what it launches. */
    private static long residentBytes(ProcessHandle process) {
        long own = residentBytes(process.pid());
        return process.descendants()
                .mapToLong(child -> residentBytes(child.pid()))
                .reduce(own, Math::max);
    }

    private static long residentBytes(long pid) {
        Path status = Path.of("/proc", Long.toString(pid), "status");
        if (!Files.isReadable(status)) {
            return 0;
        }
        try {
            for (String line : Files.readAllLines(status, StandardCharsets.UTF_8)) {
                if (line.startsWith("VmHWM:")) {
                    return 1024 * Long.parseLong(line.replaceAll("[^0-9]", ""));
                }
            }
            return 0;
        } catch (IOException | UncheckedIOException ended) {
            return 0;
        }
    }

    private static File nullDevice() {
        boolean windows = System.getProperty("os.name", "").startsWith("Windows");
        return new File(windows ? "NUL" : "/dev/null");
    }
}
