package dev.nibble.cpu.interleaved;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchLanesTest {
    @TempDir
    Path folder;

    private boolean isIntel(String cpuInfo) throws IOException {
        return BatchLanes.isIntel("Linux", Map.of(), Files.writeString(folder.resolve("cpuinfo"), cpuInfo));
    }

    @Test
    void theVendorOfTheFirstProcessorCounts() throws IOException {
        assertThat(isIntel("processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n"))
                .isTrue();
        assertThat(isIntel("processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: not GenuineIntel\n"))
                .isFalse();
        assertThat(isIntel("processor\t: 0\nCPU implementer\t: 0x41\n")).isFalse();
    }

    @Test
    void otherSystemsTellByOtherMeans() {
        Path missing = folder.resolve("missing");
        assertThat(BatchLanes.isIntel("Linux", Map.of(), missing)).isFalse();
        assertThat(BatchLanes.isIntel("Mac OS X", Map.of(), missing)).isTrue();
        Map<String, String> intel =
                Map.of("PROCESSOR_IDENTIFIER", "Intel64 Family 6 Model 207 Stepping 2, GenuineIntel");
        assertThat(BatchLanes.isIntel("Windows 11", intel, missing)).isTrue();
        assertThat(BatchLanes.isIntel("Windows 11", Map.of(), missing)).isFalse();
    }
}
