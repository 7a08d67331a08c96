package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The JVM options that the launchers take from a TornadoVM SDK. */
class TornadoArgfileTest {
    @TempDir
    Path folder;

    private Path home;
    private Path file;

    @BeforeEach
    void folders() throws IOException {
        home = Files.createDirectory(folder.resolve("an sdk"));
        file = folder.resolve("argfile");
    }

    private int run(String... arguments) throws IOException {
        return TornadoArgfile.run(home, file, List.of(arguments));
    }

    @Test
    void theTemplateIsFilledIn() throws IOException {
        Files.writeString(home.resolve("tornado-argfile.template"), """
                # === JVM mode ===
                -server
                -XX:+UseParallelGC
                -XX:+EnableJVMCI
                -Djava.library.path=${TORNADOVM_HOME}/lib
                --module-path .:${TORNADOVM_HOME}/share/java/tornado
                --upgrade-module-path ${TORNADOVM_HOME}/share/java/graalJars
                """);
        assertThat(run("run", "--backend", "tornado")).isEqualTo(TornadoArgfile.WRITTEN);
        String quoted = '"' + home.toString().replace("\\", "\\\\") + '"';
        List<String> lines = Files.readAllLines(file);
        assertThat(lines.removeLast()).matches("-XX:MaxDirectMemorySize=\\d{9,}");
        assertThat(lines)
                .containsExactly(
                        "# === JVM mode ===",
                        "-server",
                        "-XX:+EnableJVMCI",
                        "-Djava.library.path=" + quoted + "/lib",
                        "--module-path " + quoted + "/share/java/tornado",
                        "--upgrade-module-path " + quoted + "/share/java/graalJars");
    }

    @Test
    void theSdksOwnFileComesFirstAndIsKept() throws IOException {
        Files.writeString(home.resolve("tornado-argfile.template"), "-Dfrom=template\n");
        Files.writeString(home.resolve("tornado-argfile"), "-Dfrom=file\n--module-path .:/opt/t/share\n");
        assertThat(run("devices")).isEqualTo(TornadoArgfile.WRITTEN);
        assertThat(Files.readAllLines(file)).startsWith("-Dfrom=file", "--module-path /opt/t/share");
        try (var left = Files.list(folder)) {
            assertThat(left).containsExactlyInAnyOrder(home, file);
        }
    }

    @Test
    void onWindowsPathsAreEscapedAndSeparatedDifferently() {
        Path windows = Path.of("C:\\sdk");
        assertThat(TornadoArgfile.options(List.of("--module-path .;${TORNADOVM_HOME}\\share"), windows, 5))
                .containsExactly("--module-path \"C:\\\\sdk\"\\share", "-XX:MaxDirectMemorySize=5");
    }

    @Test
    void theCpuNeedsNone() throws IOException {
        Files.writeString(home.resolve("tornado-argfile"), "-server\n");
        assertThat(run("run", "--backend=cpu")).isEqualTo(TornadoArgfile.NOT_WANTED);
        assertThat(run("run", "--backend", "cpu")).isEqualTo(TornadoArgfile.NOT_WANTED);
        assertThat(file).doesNotExist();
        assertThat(run("run", "--backend")).as("wrong, which the program says").isEqualTo(TornadoArgfile.WRITTEN);
    }

    @Test
    void aFolderWithoutAnSdkIsAnErrorOnlyWhereOneIsAskedFor() throws IOException {
        assertThat(run("devices")).isEqualTo(TornadoArgfile.NOT_WANTED);
        assertThat(run("run", "--backend", "auto")).isEqualTo(TornadoArgfile.NOT_WANTED);
        assertThat(run("run", "--backend", "tornado")).isEqualTo(TornadoArgfile.FAILED);
        assertThat(file).doesNotExist();
    }
}
