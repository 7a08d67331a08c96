package dev.nibble.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.LoadOptions;
import dev.nibble.spi.Backend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelFamiliesTest {

    @Test
    void takesTheVectorKernelsWhereTheModuleIsThere() {
        assertThat(KernelFamilies.choose("", true).get().name()).isEqualTo("vector");
        assertThat(KernelFamilies.choose("vector", true).get().name()).isEqualTo("vector");
        assertThat(KernelFamilies.choose("scalar", true).get().name()).isEqualTo("scalar");
        assertThat(KernelFamilies.choose("", false).get().name()).isEqualTo("scalar");
    }

    @Test
    void aForcedFamilyThatCannotRunIsAnError() {
        assertThatThrownBy(() -> KernelFamilies.choose("vector", false).get())
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("nibble.kernels=vector: the module jdk.incubator.vector is missing; "
                        + "start java with --add-modules jdk.incubator.vector");
    }

    /** Loads in a JVM of its own, where constants are not made yet. */
    public static final class Settings {
        /** Says how opening the backend ends, wrongly set at first and then with the properties cleared. */
        public static void main(String[] args) {
            CpuBackendProvider provider = new CpuBackendProvider();
            System.out.println("probe " + provider.probe());
            System.out.println("open " + open(provider));
            for (String property : args) {
                System.clearProperty(property);
            }
            System.out.println("then " + open(provider));
        }

        private static String open(CpuBackendProvider provider) {
            try (Backend backend = provider.open(LoadOptions.DEFAULT.withThreads(1))) {
                return backend.description();
            } catch (RuntimeException e) {
                return e.toString();
            }
        }
    }

    /** A value that there is not is refused by name, and is no failure of the process. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "nibble.kernels | cuda | no such kernels; there are scalar, vector and machine",
                "nibble.kernels | Vector | no such kernels; there are scalar, vector and machine",
                "nibble.vector.bits | 100 | no such vector width; there are 128, 256 and 512",
                "nibble.vector.bits | wide | no such vector width; there are 128, 256 and 512",
                "nibble.vector.batches | x | no such lanes; there are shorts and floats"
            })
    void aPropertyWithAValueThatThereIsNotIsRefusedByName(String property, String value, String reason)
            throws Exception {
        for (List<String> access : List.of(List.<String>of(), List.of("--enable-native-access=ALL-UNNAMED"))) {
            List<String> flags = new ArrayList<>(access);
            flags.addAll(List.of("--add-modules", "jdk.incubator.vector", "-D" + property + "=" + value));
            String output = run(Settings.class, flags, property);
            String message = "the system property " + property + "=" + value + ": " + reason;
            assertThat(output)
                    .contains("probe Available[description=" + message + "]")
                    .contains("open java.lang.IllegalArgumentException: " + message)
                    .containsPattern("then cpu, (vector|machine)")
                    .doesNotContain("Error");
        }
    }

    /** This JVM has no native access. */
    @Test
    void machineCodeNeedsNativeAccess() {
        assertThatThrownBy(() -> KernelFamilies.choose("machine", true).get())
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("nibble.kernels=machine: native access is not enabled; start java with"
                        + " --enable-native-access=ALL-UNNAMED, or =dev.nibble.core on the module path");
    }

    @Test
    void isSelectedOnce() {
        assertThat(KernelFamilies.select()).isSameAs(KernelFamilies.select());
    }

    /** Selects in a JVM of its own. */
    public static final class Main {
        /** Prints the family's name. */
        public static void main(String[] args) {
            System.out.println("selected " + KernelFamilies.select().description());
        }
    }

    private static String runWith(List<String> flags) throws Exception {
        return run(Main.class, flags);
    }

    private static String run(Class<?> main, List<String> flags, String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.add("-Djava.util.logging.config.file=" + logging());
        command.add("-cp");
        command.add(location(KernelFamilies.class) + java.io.File.pathSeparator + location(KernelFamiliesTest.class));
        command.add(main.getName());
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return output;
    }

    /** Settings with which the lines of a load, which are at DEBUG, are shown. */
    private static Path logging() throws Exception {
        Path settings = Files.createTempFile("logging", ".properties");
        settings.toFile().deleteOnExit();
        return Files.writeString(settings, """
                handlers = java.util.logging.ConsoleHandler
                java.util.logging.ConsoleHandler.level = ALL
                dev.nibble.level = ALL
                """);
    }

    private static String location(Class<?> type) throws Exception {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI())
                .toString();
    }

    @Test
    void withoutTheModuleTheScalarKernelsRunAndAWarningNamesTheFlag() throws Exception {
        String output = runWith(List.of());
        assertThat(output)
                .contains("selected scalar")
                .contains("WARNING")
                .contains("--add-modules jdk.incubator.vector");
    }

    @Test
    void saysOnceWhatRuns() throws Exception {
        String output = runWith(List.of("--add-modules", "jdk.incubator.vector", "-Dnibble.vector.bits=256"));
        assertThat(output)
                .contains("selected vector 256 bit")
                .containsOnlyOnce("CPU kernels: vector 256 bit; no machine code: native access is not enabled");
    }

    @Test
    void takesMachineCodeWhereNativeAccessIsEnabled() throws Exception {
        List<String> flags = List.of("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED");
        String output = runWith(flags);
        boolean isThere = output.contains("selected machine code");
        assertThat(isThere || output.contains("no machine code: ")).isTrue();
        assertThat(output).doesNotContain("native access is not enabled");
    }

    /** The property is what tells a processor apart. */
    @Test
    void otherProcessorsHaveTheVectorKernels() throws Exception {
        String output = runWith(List.of(
                "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Dos.arch=riscv64"));
        assertThat(output)
                .contains("selected vector")
                .contains(
                        "no machine code: machine code is written for Linux, macOS and Windows on x86-64, Linux and macOS"
                                + " on ARM64 only");
    }
}
