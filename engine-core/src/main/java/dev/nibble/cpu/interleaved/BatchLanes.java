package dev.nibble.cpu.interleaved;

import dev.nibble.cpu.kernel.KernelSettings;
import dev.nibble.cpu.vector.Lanes;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Which lanes the weights of a batch are multiplied in: of 16 bits ({@link PromptInShorts}), with activations of 8 bits, or
 * floats ({@link PromptInFloats}), with exact ones.
 *
 * <p>A vector of shorts has twice the lanes. But it takes two instructions where floats take one, its sums are to be
 * folded, and Intel's processors multiply 512 bits of shorts once a cycle and of floats twice: there floats are 1.2 (Q4_0) to
 * 1.6 times (Q6_K) as fast. Others multiply as many vectors of both.
 */
final class BatchLanes {
    private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
    private static final String INTEL = "GenuineIntel";

    private static final boolean SHORTS = choose(KernelSettings.vectorBatches());

    private BatchLanes() {}

    /** Whether batches of a type are multiplied in lanes of 16 bits. */
    static boolean areShorts(GroupLayout layout) {
        return SHORTS && PromptInShorts.serves(layout);
    }

    private static boolean choose(String forced) {
        return switch (forced) {
            case "shorts" -> true;
            case "floats" -> false;
            default ->
                Lanes.F.vectorBitSize() < 512 || !isIntel(System.getProperty("os.name", ""), System.getenv(), CPU_INFO);
        };
    }

    /** Whether Intel made the processor; false where that cannot be read. */
    static boolean isIntel(String os, Map<String, String> environment, Path cpuInfo) {
        if (os.startsWith("Windows")) {
            return environment.getOrDefault("PROCESSOR_IDENTIFIER", "").contains(INTEL);
        }
        if (os.startsWith("Mac")) {
            return true; // those with vectors of 512 bits
        }
        try (BufferedReader lines = Files.newBufferedReader(cpuInfo)) {
            return lines.lines()
                    .filter(line -> line.startsWith("vendor_id"))
                    .limit(1)
                    .anyMatch(line -> line.contains(INTEL));
        } catch (IOException | SecurityException e) {
            return false;
        }
    }
}
