package dev.nibble.verification;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command that the script {@code nibble} starts, with and without a TornadoVM SDK. */
final class LauncherIT {
    private static final Path ROOT = Path.of(System.getProperty("nibble.root"));
    private static final Path ARGFILE = ROOT.resolve("cli/target/tornado-argfile");

    @TempDir
    Path folder;

    private Path sdk;

    /** A JDK that prints the command it gets, unless it is to write the options. */
    @BeforeEach
    void fakeJdkAndSdk() throws IOException {
        assumeFalse(
                System.getProperty("os.name").startsWith("Windows"),
                "nibble is a script for bash, on Windows nibble.cmd");
        Path bin = Files.createDirectories(folder.resolve("jdk/bin"));
        Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"25.0.1\"\n");
        Path real = Path.of(System.getProperty("java.home"), "bin", "java");
        script(bin.resolve("javac"), "exit 1");
        script(bin.resolve("java"), """
                case " $* " in *.TornadoArgfile\\ *) exec '%s' "$@" ;; esac
                printf '%%s\\n' "$@"
                """.formatted(real));
        sdk = Files.createDirectories(folder.resolve("an sdk"));
    }

    private static void script(Path file, String text) throws IOException {
        Files.writeString(file, "#!/bin/sh\n" + text + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private record Result(int exitCode, List<String> command, String errors) {}

    private Result nibble(boolean withSdk, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(ROOT.resolve("nibble").toString()));
        command.addAll(List.of(arguments));
        Path out = folder.resolve("out");
        Path errors = folder.resolve("errors");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(errors.toFile());
        builder.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
        builder.environment().put("NIBBLE_NO_BUILD", "1");
        builder.environment().remove("NIBBLE_JAVA_OPTS");
        builder.environment().remove("TORNADOVM_HOME");
        if (withSdk) {
            builder.environment().put("TORNADOVM_HOME", sdk + "/");
        }
        Process process = builder.start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ends").isTrue();
        return new Result(process.exitValue(), Files.readAllLines(out), Files.readString(errors));
    }

    @Test
    void withTheTemplateAloneTheJvmIsStartedWithTornadoVm() throws Exception {
        Files.writeString(sdk.resolve("tornado-argfile.template"), """
                -XX:+UseParallelGC
                -Djava.library.path=${TORNADOVM_HOME}/lib
                --module-path .:${TORNADOVM_HOME}/share/java/tornado
                """);
        Result result = nibble(true, "run", "--backend", "tornado", "-p", "a (b) \"c\" *");
        assertThat(result.exitCode()).as(result.errors()).isZero();
        assertThat(result.command()).startsWith("@" + ARGFILE, "--add-modules", "jdk.incubator.vector");
        assertThat(result.command())
                .endsWith("dev.nibble.cli.Main", "run", "--backend", "tornado", "-p", "a (b) \"c\" *");
        assertThat(Files.readAllLines(ARGFILE))
                .startsWith(
                        "-Djava.library.path=\"" + sdk + "\"/lib", "--module-path \"" + sdk + "\"/share/java/tornado");
    }

    @Test
    void withoutAnSdkOrForTheCpuItIsStartedWithoutTornadoVm() throws Exception {
        Files.writeString(sdk.resolve("tornado-argfile"), "-server\n");
        assertThat(nibble(false, "devices").command()).startsWith("--add-modules");
        assertThat(nibble(true, "run", "--backend", "cpu").command()).startsWith("--add-modules");
        assertThat(nibble(true, "devices").command()).startsWith("@" + ARGFILE);
    }

    @Test
    void aFolderThatIsNoSdkIsToldWhereTornadoVmIsAskedFor() throws Exception {
        assertThat(nibble(true, "devices").command()).startsWith("--add-modules");
        Result result = nibble(true, "run", "--backend=tornado");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.errors())
                .isEqualTo("nibble: TORNADOVM_HOME is " + sdk + ", which is no TornadoVM SDK: it has neither"
                        + " tornado-argfile nor tornado-argfile.template\n");
    }
}
