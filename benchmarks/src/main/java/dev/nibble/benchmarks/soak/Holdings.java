package dev.nibble.benchmarks.soak;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What the process holds at a moment.
 *
 * @param residentMiB memory, mapped files included
 * @param heapMiB of it, what the Java heap needs
 * @param threads of the system
 * @param files open
 * @param mappings of model files and files of weights
 */
record Holdings(double residentMiB, double heapMiB, int threads, int files, int mappings) {
    private static final double MIB = 1 << 20;

    /** Whether the system says it. */
    static boolean canBeRead() {
        return Files.isReadable(Path.of("/proc/self/status"));
    }

    /** After a garbage collection: what is still reachable, and what only cleaners would have freed is gone. */
    static Holdings read(Path... mapped) throws IOException {
        for (int i = 0; i < 2; i++) {
            System.gc();
            try {
                Thread.sleep(50); // cleaners
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        return now(mapped);
    }

    private static Holdings now(Path... mapped) throws IOException {
        long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
        List<String> status = Files.readAllLines(Path.of("/proc/self/status"));
        int files;
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            files = (int) descriptors.count();
        }
        int mappings = 0;
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            if (Stream.of(mapped).anyMatch(path -> line.contains(path.toString()))) {
                mappings++;
            }
        }
        return new Holdings(
                field(status, "VmRSS:") / 1024.0, heap / MIB, (int) field(status, "Threads:"), files, mappings);
    }

    private static long field(List<String> status, String name) {
        Optional<String> line = status.stream().filter(l -> l.startsWith(name)).findFirst();
        return line.map(l -> Long.parseLong(l.replaceAll("[^0-9]", ""))).orElse(0L);
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "RSS %.0f MiB, heap %.0f MiB, %d threads, %d files, %d maps",
                residentMiB,
                heapMiB,
                threads,
                files,
                mappings);
    }
}
