package dev.nibble.cpu.pool;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PhysicalCoresTest {

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
