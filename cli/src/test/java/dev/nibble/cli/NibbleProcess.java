package dev.nibble.cli;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The command line in a process of its own, of the classes that the tests see: what can only be seen from outside, as the
 * exit code, a standard output that is full, signals. It is started by a shell, so that names in any script reach it
 * whatever the locale of the tests; there has to be one.
 */
final class NibbleProcess {
    private static final int TIMEOUT_SECONDS = 300;
    private static final String INCUBATOR_WARNING = "WARNING: Using incubator modules: jdk.incubator.vector";

    private final Path folder;
    private final Map<String, @Nullable String> variables = new HashMap<>();
    private final List<String> before = new ArrayList<>();
    private String input = "";
    private @Nullable Path output;
    private String reader = "";
    private @Nullable Path codeOfWriter;

    /** @param folder an empty one, for what the process needs beside its arguments */
    NibbleProcess(Path folder) {
        this.folder = folder;
        variables.put("HF_HUB_OFFLINE", "1");
    }

    /** Sets an environment variable, or takes it away where {@code value} is null. */
    NibbleProcess with(String variable, @Nullable String value) {
        variables.put(variable, value);
        return this;
    }

    NibbleProcess withInput(String text) {
        input = text;
        return this;
    }

    /** Sends standard output there instead of keeping it. */
    NibbleProcess withOutputTo(Path file) {
        output = file;
        return this;
    }

    /** Pipes standard output into a command of the shell; the exit code of this program goes to {@code code}. */
    NibbleProcess through(String command, Path code) {
        reader = command;
        codeOfWriter = code;
        return this;
    }

    /** Runs a command of the shell before, as {@code cp}. */
    NibbleProcess after(String... command) {
        before.add(line(List.of(command)));
        return this;
    }

    /** Runs it to its end. */
    CommandRunner.Result run(List<String> arguments) throws IOException, InterruptedException {
        Path out = Files.createTempFile(folder, "out", null);
        Path err = Files.createTempFile(folder, "err", null);
        Process process = start(arguments, output == null ? out : output, err);
        try {
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("still running after " + TIMEOUT_SECONDS + " s: nibble " + line(arguments));
            }
            return new CommandRunner.Result(process.exitValue(), Files.readString(out), errors(err));
        } finally {
            process.destroyForcibly();
        }
    }

    /** Starts it; whoever calls ends it. */
    Process start(List<String> arguments, Path out, Path err) throws IOException {
        List<String> java = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                classPath(),
                Main.class.getName()));
        java.addAll(arguments);
        List<String> script = new ArrayList<>(before);
        script.add(
                reader.isEmpty()
                        ? "exec " + line(java)
                        : "{ " + line(java) + "; echo $? > " + line(List.of(String.valueOf(codeOfWriter))) + "; } | "
                                + reader);
        Path file = Files.createTempFile(folder, "start", ".sh");
        Files.write(file, script);
        Path in = Files.createTempFile(folder, "in", null);
        Files.writeString(in, input);
        ProcessBuilder builder = new ProcessBuilder("sh", file.toString())
                .redirectInput(in.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        variables.forEach((name, value) -> {
            if (value == null) {
                builder.environment().remove(name);
            } else {
                builder.environment().put(name, value);
            }
        });
        builder.environment().put("LC_ALL", "C.UTF-8"); // as the launcher script does where the locale is not UTF-8
        return builder.start();
    }

    /** What was written to standard error, without the JVM's warning that the launcher script filters out. */
    static String errors(Path err) throws IOException {
        return new String(Files.readAllBytes(err), StandardCharsets.UTF_8)
                .lines()
                .filter(line -> !line.equals(INCUBATOR_WARNING))
                .map(line -> line + "\n")
                .collect(Collectors.joining());
    }

    private static String classPath() {
        String path = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        // the tests may have been started with relative entries
        return java.util.Arrays.stream(path.split(File.pathSeparator))
                .map(entry -> Path.of(entry).toAbsolutePath().toString())
                .collect(Collectors.joining(File.pathSeparator));
    }

    private static String line(List<String> words) {
        return words.stream()
                .map(word -> "'" + word.replace("'", "'\\''") + "'")
                .collect(Collectors.joining(" "));
    }
}
