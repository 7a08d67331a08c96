package dev.nibble.verification;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code nibble} in a checkout of its own, in the environment of a service, and the archive it keeps. */
final class ClassArchiveIT {
    private static final Path ROOT = Path.of(System.getProperty("nibble.root"));
    private static final int MAX_SECONDS = 240;

    @TempDir
    Path folder;

    private Path target;
    private Path archive;
    private Path model;

    @BeforeEach
    void checkout() throws IOException {
        assumeFalse(
                System.getProperty("os.name").startsWith("Windows"),
                "nibble is a script for bash, on Windows nibble.cmd");
        target = Files.createDirectories(folder.resolve("a checkout/cli/target"));
        archive = target.resolve("nibble.jsa");
        copy(ROOT.resolve("nibble"), folder.resolve("a checkout/nibble"));
        copy(ROOT.resolve("bin/find-jdk"), folder.resolve("a checkout/bin/find-jdk"));
        try (Stream<Path> jars = Files.list(ROOT.resolve("cli/target/lib"))) {
            for (Path jar : jars.toList()) {
                copy(jar, target.resolve("lib").resolve(jar.getFileName()));
            }
        }
        model = folder.resolve("tiny.gguf");
        TinyModels.write("llama", 1, model);
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to.getParent());
        Files.copy(from, to, java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
    }

    private record Result(int exitCode, String out, String errors) {}

    /** Starts it with no variables but those that are needed to find the JDK that runs the test. */
    private Result nibble(String... arguments) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(folder.resolve("a checkout/nibble").toString()));
        command.addAll(List.of(arguments));
        return run(command, "JAVA_HOME", System.getProperty("java.home"), "NIBBLE_NO_BUILD", "1");
    }

    private Result run(List<String> command, String... variables) throws IOException, InterruptedException {
        Path out = folder.resolve("out");
        Path errors = folder.resolve("errors");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(errors.toFile());
        builder.environment().clear();
        builder.environment().put("PATH", "/usr/bin:/bin");
        for (int i = 0; i < variables.length; i += 2) {
            builder.environment().put(variables[i], variables[i + 1]);
        }
        Process process = builder.start();
        assertThat(process.waitFor(MAX_SECONDS, TimeUnit.SECONDS)).as("ends").isTrue();
        return new Result(process.exitValue(), Files.readString(out), Files.readString(errors));
    }

    private Result answer() throws IOException, InterruptedException {
        return nibble("run", "-m", model.toString(), "-p", "x", "-n", "3", "--temp", "0");
    }

    private void awaitArchive() throws IOException, InterruptedException {
        for (int i = 0; i < MAX_SECONDS * 10 && !(Files.exists(archive) && files().size() == 2); i++) {
            Thread.sleep(100);
        }
        assertThat(files()).containsExactlyInAnyOrder("nibble.jsa", "nibble.jsa.lock");
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(target)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("nibble"))
                    .toList();
        }
    }

    private boolean shared() throws IOException, InterruptedException {
        List<String> command = List.of(
                System.getProperty("java.home") + "/bin/java",
                "-Xshare:on",
                "-XX:SharedArchiveFile=" + archive,
                "-XX:+VerifySharedSpaces",
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-cp",
                target.resolve("lib") + "/*",
                "--version");
        return run(command).exitCode() == 0;
    }

    @Test
    void aRunLeavesAnArchiveThatIsReplacedWhenItIsDamaged() throws Exception {
        // What a run and a writer left that were killed: no process has this number.
        Files.writeString(target.resolve("nibble.jsa.part"), "half");
        Files.writeString(target.resolve("nibble.classes.pid99999999999"), "java/lang/Object id: 0");
        assertThat(nibble("--help").exitCode()).isZero();
        assertThat(archive).doesNotExist();

        Result first = answer();
        assertThat(first.exitCode()).as(first.errors()).isZero();
        awaitArchive();
        assertThat(shared()).isTrue();
        assertThat(answer()).isEqualTo(first);
        assertThat(archive).exists();

        byte[] whole = Files.readAllBytes(archive);
        byte[] noisy = whole.clone();
        byte[] noise = new byte[200_000];
        new Random(1).nextBytes(noise);
        System.arraycopy(noise, 0, noisy, whole.length / 3, noise.length);
        for (byte[] damaged : List.of(noisy, Arrays.copyOf(whole, whole.length / 2), new byte[0])) {
            Files.write(archive, damaged);
            assertThat(answer()).as("with %s bytes", damaged.length).isEqualTo(first);
            assertThat(archive).doesNotExist();
        }
        assertThat(answer()).isEqualTo(first);
        awaitArchive();
    }

    @Test
    void anArchiveThatCannotBeWrittenChangesNothing() throws Exception {
        Result first = answer();
        awaitArchive();
        Files.delete(archive);
        // A folder in the place of the file: nothing can be moved there.
        Files.createDirectories(archive.resolve("in the way"));
        assertThat(answer()).isEqualTo(first);
    }

    @Test
    void aJdkIsFoundWithoutAHomeFolder() throws Exception {
        // Not on the PATH, so that the usual folders are gone through.
        Path tools = Files.createDirectories(folder.resolve("tools"));
        for (String tool : List.of("sed", "head", "dirname", "readlink")) {
            Path real = Stream.of("/usr/bin", "/bin")
                    .map(bin -> Path.of(bin, tool))
                    .filter(Files::exists)
                    .findFirst()
                    .orElseThrow();
            Files.writeString(tools.resolve(tool), "#!/bin/sh\nexec " + real + " \"$@\"\n");
            assertThat(tools.resolve(tool).toFile().setExecutable(true)).isTrue();
        }
        List<String> command =
                List.of("/bin/bash", folder.resolve("a checkout/bin/find-jdk").toString());
        Result result = run(command, "PATH", tools.toString());
        assertThat(result.errors()).doesNotContain("unbound", "line ");
        assertThat(result.exitCode() == 0 || result.errors().contains("or newer is needed and none was found"))
                .as(result.errors())
                .isTrue();
        assertThat(run(command, "PATH", tools.toString(), "JAVA_HOME", System.getProperty("java.home"))
                        .out())
                .isEqualTo(System.getProperty("java.home") + "\n");
    }
}
