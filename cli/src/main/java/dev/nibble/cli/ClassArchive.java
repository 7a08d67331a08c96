package dev.nibble.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * Keeps the classes that a run loaded, parsed and linked, for the next start. The launcher names the archive, starts the
 * JVM with it where it exists, and else has the JVM list what it loads. When such a run has ended well, a process of its
 * own makes the archive from the list, under another name until it is whole and the JVM has accepted it: whatever goes
 * wrong there, no run hears of it. An archive that the JVM did not accept at the start, because it is damaged or of other
 * jars, is removed, so that a later run makes a new one.
 */
final class ClassArchive {
    /** The system property with which the launcher names the archive; it is not set where none may be kept. */
    static final String PROPERTY = "nibble.class.archive";

    /** A class that only a run with a model loads: a list without it would make a poor archive. */
    private static final String TELLTALE = "dev/nibble/TokenStream ";

    private static final long MAX_SECONDS = 180;

    private final Path archive;
    private final Path list;
    private final Path part;

    private ClassArchive(Path archive, long pid) {
        this.archive = archive;
        this.list = archive.resolveSibling(listPrefix(archive) + pid);
        this.part = archive.resolveSibling(archive.getFileName() + ".part");
    }

    /** The name of a list without the process id: what the launcher names, and the JVM makes of %p. */
    private static String listPrefix(Path archive) {
        return String.valueOf(archive.getFileName()).replaceFirst("\\.jsa$", "") + ".classes.pid";
    }

    /** Does what is to be done for the archive when a command has ended; never fails. */
    static void afterCommand(int exitCode) {
        String archive = System.getProperty(PROPERTY, "");
        if (archive.isEmpty()) {
            return;
        }
        try {
            new ClassArchive(Path.of(archive), ProcessHandle.current().pid()).afterCommandOf(exitCode);
        } catch (IOException | RuntimeException e) {
            // The next start is as slow as this one was.
        }
    }

    private void afterCommandOf(int exitCode) throws IOException {
        if (Files.exists(archive)) {
            Files.deleteIfExists(list);
            if (!System.getProperty("java.vm.info", "").contains("sharing")) {
                Files.deleteIfExists(archive);
            }
        } else if (exitCode == 0 && isTelling(list)) {
            startWriter();
        } else {
            Files.deleteIfExists(list);
        }
    }

    private static boolean isTelling(Path list) throws IOException {
        if (!Files.isRegularFile(list)) {
            return false;
        }
        try (Stream<String> lines = Files.lines(list)) {
            return lines.anyMatch(line -> line.startsWith(TELLTALE));
        }
    }

    private void startWriter() throws IOException {
        List<String> command =
                new ArrayList<>(List.of(java(), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx64m"));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), ClassArchive.class.getName()));
        command.addAll(List.of(
                archive.toString(), Long.toString(ProcessHandle.current().pid())));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(option -> !option.startsWith("-Dnibble.")
                        && !option.startsWith("-Xlog")
                        && !option.startsWith("-XX:DumpLoadedClassList"))
                .forEach(command::add);
        silent(command).start();
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    private static ProcessBuilder silent(List<String> command) {
        return new ProcessBuilder(command)
                .redirectInput(ProcessBuilder.Redirect.from(nullDevice()))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD);
    }

    private static java.io.File nullDevice() {
        return new java.io.File(System.getProperty("os.name").startsWith("Windows") ? "NUL" : "/dev/null");
    }

    /**
     * Writes the archive.
     *
     * @param args the archive, the process that lists its classes, then the options of the JVM it is for
     */
    public static void main(String[] args) throws Exception {
        long run = Long.parseLong(args[1]);
        ClassArchive archive = new ClassArchive(Path.of(args[0]), run);
        preferToBeKilled();
        try {
            awaitEnd(run);
            archive.write(List.of(args).subList(2, args.length));
        } finally {
            Files.deleteIfExists(archive.list);
        }
    }

    /** Has Linux take this process first where memory is short, rather than a run that somebody waits for. */
    private static void preferToBeKilled() {
        try {
            Files.writeString(Path.of("/proc/self/oom_score_adj"), "1000", StandardOpenOption.WRITE);
        } catch (IOException e) {
            // Another system.
        }
    }

    /** The list is complete when the run's JVM has ended. */
    private static void awaitEnd(long run) throws InterruptedException, ExecutionException, TimeoutException {
        ProcessHandle handle = ProcessHandle.of(run).orElse(null);
        if (handle != null) {
            handle.onExit().get(MAX_SECONDS, TimeUnit.SECONDS);
        }
    }

    private void write(List<String> options) throws IOException, InterruptedException {
        Path lock = archive.resolveSibling(archive.getFileName() + ".lock");
        try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock held = channel.tryLock()) {
            if (held == null || Files.exists(archive)) {
                return; // another run of the same moment makes it, or has
            }
            removeListsOfTheDead();
            Files.deleteIfExists(part);
            if (succeeds(
                            options,
                            "-Xshare:dump",
                            "-XX:SharedClassListFile=" + list,
                            "-XX:SharedArchiveFile=" + part,
                            "-Xmx256m")
                    && succeeds(
                            options,
                            "-Xshare:on",
                            "-XX:SharedArchiveFile=" + part,
                            "-XX:+VerifySharedSpaces",
                            "--version")) {
                sync(part);
                Files.move(part, archive, StandardCopyOption.ATOMIC_MOVE);
            }
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private static boolean succeeds(List<String> options, String... more) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(java(), "-cp", System.getProperty("java.class.path")));
        command.addAll(options);
        command.addAll(List.of(more));
        Process process = silent(command).start();
        try {
            return process.waitFor(MAX_SECONDS, TimeUnit.SECONDS) && process.exitValue() == 0;
        } finally {
            process.destroyForcibly();
        }
    }

    private static void sync(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    /** Removes the lists of runs that were killed. */
    private void removeListsOfTheDead() throws IOException {
        String prefix = listPrefix(archive);
        List<Path> lists;
        try (Stream<Path> files = Files.list(archive.toAbsolutePath().getParent())) {
            lists = files.filter(file -> String.valueOf(file.getFileName()).matches("\\Q" + prefix + "\\E\\d{1,18}"))
                    .toList();
        }
        for (Path other : lists) {
            long pid = Long.parseLong(String.valueOf(other.getFileName()).substring(prefix.length()));
            if (!other.equals(list.toAbsolutePath()) && ProcessHandle.of(pid).isEmpty()) {
                Files.deleteIfExists(other);
            }
        }
    }
}
