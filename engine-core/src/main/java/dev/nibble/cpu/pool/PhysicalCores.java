package dev.nibble.cpu.pool;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/** Counts physical cores: two hardware threads of one core share the units that the kernels keep busy. */
final class PhysicalCores {
    private static final Path LINUX_CPUS = Path.of("/sys/devices/system/cpu");

    private PhysicalCores() {}

    /** Physical cores, but no more than the processors this process may use; all processors where they are not known. */
    static int count() {
        int available = Runtime.getRuntime().availableProcessors();
        int cores = countLinux(LINUX_CPUS);
        return cores == 0 ? available : Math.min(cores, available);
    }

    /** Distinct (package, core) pairs of the online processors below {@code root}, 0 if that cannot be read. */
    static int countLinux(Path root) {
        if (!Files.isDirectory(root)) {
            return 0;
        }
        Set<String> cores = new HashSet<>();
        try (DirectoryStream<Path> cpus = Files.newDirectoryStream(root, "cpu[0-9]*")) {
            for (Path cpu : cpus) {
                Path topology = cpu.resolve("topology");
                if (Files.isDirectory(topology)) { // an offline processor has none
                    cores.add(Files.readString(topology.resolve("physical_package_id"))
                                    .strip() + ":"
                            + Files.readString(topology.resolve("core_id")).strip());
                }
            }
        } catch (IOException | SecurityException e) {
            return 0;
        }
        return cores.size();
    }
}
