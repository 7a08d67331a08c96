package dev.nibble.benchmarks.soak;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Starts {@link SoakRun} in a process of its own and watches it: its exit code, a crash report, and whether it still says
 * something. Exits with 0 if nothing went wrong, 1 if something did, 2 for wrong arguments.
 */
public final class Soak {
    /** Longer than the process needs to find a hang itself and say so. */
    private static final int SILENCE_SECONDS = 90;

    private static final int CRASH_LINES = 60;

    private final Settings settings;
    private final Path folder;
    private volatile long lastLine = System.nanoTime();

    private Soak(Settings settings, Path folder) {
        this.settings = settings;
        this.folder = folder;
    }

    /** See the class. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Settings settings;
        try {
            settings = Settings.parse(arguments);
        } catch (IllegalArgumentException wrong) {
            System.err.println("soak: " + wrong.getMessage());
            System.err.print(Settings.USAGE);
            System.exit(2);
            return;
        }
        Path folder = Files.createTempDirectory("nibble-soak");
        String failure = new Soak(settings, folder).run();
        if (failure.isEmpty()) {
            delete(folder);
            System.out.println("soak: nothing went wrong");
        } else {
            System.out.println("soak: FAILED: " + failure + "; files of the run: " + folder);
        }
        System.exit(failure.isEmpty() ? 0 : 1);
    }

    private String run() throws IOException, InterruptedException {
        Path crash = folder.resolve("hs_err.log");
        ProcessBuilder builder = new ProcessBuilder(command(crash)).redirectErrorStream(true);
        // a fixed limit, above which the C library gives freed memory back: else the resident size is that of its
        // habits
        builder.environment().put("MALLOC_MMAP_THRESHOLD_", "131072");
        Process process = builder.start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly)); // when this one is ended first
        Thread echo = Thread.ofPlatform().start(() -> echo(process));
        long silence = TimeUnit.SECONDS.toNanos(settings.hangSeconds() + SILENCE_SECONDS);
        while (!process.waitFor(1, TimeUnit.SECONDS)) {
            if (System.nanoTime() - lastLine > silence) {
                dump(process);
                process.destroyForcibly().waitFor();
                return "the process hangs: it said nothing for " + TimeUnit.NANOSECONDS.toSeconds(silence)
                        + " s and was ended";
            }
        }
        echo.join();
        if (Files.exists(crash)) {
            try (Stream<String> lines = Files.lines(crash)) {
                lines.limit(CRASH_LINES).forEach(System.out::println);
            }
            return "the JVM crashed, exit code " + process.exitValue();
        }
        return switch (process.exitValue()) {
            case 0 -> "";
            case SoakRun.EXIT_FAILED -> "see above";
            case SoakRun.EXIT_HANGS -> "an operation hangs, see above";
            default -> "the process ended with exit code " + process.exitValue();
        };
    }

    private List<String> command(Path crash) {
        List<String> command = new ArrayList<>(List.of(
                java("java"),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                // the heap resident from the start, so that what grows is not the heap
                "-Xms768m",
                "-Xmx768m",
                "-XX:+AlwaysPreTouch",
                "-XX:+UseSerialGC",
                "-XX:ErrorFile=" + crash));
        if (!settings.kernels().isEmpty()) {
            command.add("-Dnibble.kernels=" + settings.kernels());
        }
        command.addAll(
                List.of("-cp", System.getProperty("java.class.path"), SoakRun.class.getName(), folder.toString()));
        command.addAll(settings.arguments());
        return command;
    }

    private static String java(String tool) {
        return Path.of(System.getProperty("java.home"), "bin", tool).toString();
    }

    private void echo(Process process) {
        try (BufferedReader lines = process.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                lastLine = System.nanoTime();
                System.out.println(line);
            }
        } catch (IOException e) {
            System.out.println("soak: the output cannot be read: " + e);
        }
    }

    /** Prints the stacks of a process that does not do it itself any more. */
    private static void dump(Process process) throws IOException, InterruptedException {
        Process dump = new ProcessBuilder(java("jcmd"), Long.toString(process.pid()), "Thread.print", "-l")
                .inheritIO()
                .start();
        if (!dump.waitFor(20, TimeUnit.SECONDS)) {
            dump.destroyForcibly().waitFor();
            System.out.println("soak: the process gives no thread dump either");
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
