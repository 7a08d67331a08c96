package dev.nibble.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
        assertThatThrownBy(() -> KernelFamilies.choose("cuda", true).get())
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("nibble.kernels=cuda: no such kernels; there are scalar, vector and machine");
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
        List<String> command = new java.util.ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.add("-cp");
        command.add(location(KernelFamilies.class) + java.io.File.pathSeparator + location(KernelFamiliesTest.class));
        command.add(Main.class.getName());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return output;
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
                "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Dos.arch=aarch64"));
        assertThat(output)
                .contains("selected vector")
                .contains("no machine code: machine code is written for Linux, macOS and Windows on x86-64 only");
    }

    @Test
    void countsCoresAndNotHardwareThreads(@TempDir Path root) throws Exception {
        for (int cpu = 0; cpu < 8; cpu++) {
            Path topology = Files.createDirectories(root.resolve("cpu" + cpu).resolve("topology"));
            Files.writeString(topology.resolve("physical_package_id"), cpu / 4 + "\n");
            Files.writeString(topology.resolve("core_id"), cpu % 2 + "\n");
        }
        Files.createDirectories(root.resolve("cpu8")); // offline
        Files.createDirectories(root.resolve("cpufreq"));
        assertThat(PhysicalCores.countLinux(root)).isEqualTo(4);
        assertThat(PhysicalCores.countLinux(root.resolve("missing"))).isZero();
        assertThat(WorkerPool.defaultThreads())
                .isBetween(1, Runtime.getRuntime().availableProcessors());
    }
}
