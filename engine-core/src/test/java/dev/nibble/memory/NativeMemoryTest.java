package dev.nibble.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Run with native access, which takes memory from the C library, and without. */
@Tag("vector-width")
class NativeMemoryTest {
    @Test
    void isAlignedAndApartAndFreedOnClose() {
        NativeMemory memory = new NativeMemory();
        MemorySegment first = memory.allocate(1000);
        MemorySegment second = memory.allocate(3 << 20);
        first.fill((byte) 1);
        second.fill((byte) 2);
        assertThat(first.byteSize()).isEqualTo(1000);
        assertThat(first.address() % NativeMemory.ALIGNMENT).isZero();
        assertThat(second.address() % NativeMemory.ALIGNMENT).isZero();
        assertThat(first.asOverlappingSlice(second)).isEmpty();
        assertThat(first.isMapped()).isFalse();
        memory.close();
        assertThat(first.scope().isAlive()).isFalse();
        assertThatThrownBy(() -> second.fill((byte) 3)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void segmentsOfAllSizesAreApart() {
        try (NativeMemory memory = new NativeMemory()) {
            List<MemorySegment> segments = new ArrayList<>();
            for (int bytes : new int[] {1, 64, 20 << 20, 0, 13 << 20, 65, 40 << 20, 7, 12 << 20}) {
                MemorySegment segment = memory.allocate(bytes);
                assertThat(segment.byteSize()).isEqualTo(bytes);
                assertThat(segment.address() % NativeMemory.ALIGNMENT).isZero();
                segment.fill((byte) segments.size());
                segments.add(segment);
            }
            for (int i = 0; i < segments.size(); i++) {
                assertThat(segments.get(i).toArray(ValueLayout.JAVA_BYTE))
                        .isEqualTo(filled((int) segments.get(i).byteSize(), i));
            }
        }
    }

    @Test
    void joiningPagesKeepsWhatIsThere() {
        try (NativeMemory memory = new NativeMemory()) {
            MemorySegment first = memory.allocate(5 << 20);
            MemorySegment second = memory.allocate(33 << 20);
            first.fill((byte) 1);
            second.fill((byte) 2);
            memory.joinPages();
            MemorySegment third = memory.allocate(3 << 20);
            third.fill((byte) 3);
            assertThat(second.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(filled(33 << 20, 2)); // perhaps meanwhile
            memory.awaitJoined();
            assertThat(first.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(filled(5 << 20, 1));
            assertThat(second.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(filled(33 << 20, 2));
            assertThat(third.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(filled(3 << 20, 3));
        }
    }

    @Test
    void isClosedWhilePagesAreJoined() {
        NativeMemory memory = new NativeMemory();
        MemorySegment segment = memory.allocate(200 << 20);
        segment.fill((byte) 1);
        memory.joinPages();
        memory.close();
        assertThat(segment.scope().isAlive()).isFalse();
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().equals("nibble-pages"));
    }

    private static byte[] filled(int bytes, int value) {
        byte[] all = new byte[bytes];
        Arrays.fill(all, (byte) value);
        return all;
    }

    @Test
    void refusesWhatTheSystemHasNot(@TempDir Path root) throws IOException {
        Files.createDirectories(root.resolve("proc"));
        Files.writeString(root.resolve("proc/meminfo"), "MemAvailable: 102400 kB\nSwapFree: 0 kB\n");
        try (NativeMemory memory = new NativeMemory(new SystemMemory(root))) {
            memory.allocate(1 << 20);
            assertThatThrownBy(() -> memory.allocate(200L << 20))
                    .isInstanceOf(OutOfMemoryError.class)
                    .hasMessage(
                            "210 MB outside the heap, after 1.05 MB of the kind, were not allocated: only 104 MB are"
                                    + " left of the memory of this machine");
        }
    }

    @Test
    void reservesAllOrNothing(@TempDir Path root) throws IOException {
        Files.createDirectories(root.resolve("proc"));
        Files.writeString(root.resolve("proc/meminfo"), "MemAvailable: 102400 kB\n");
        SystemMemory system = new SystemMemory(root);
        try (NativeMemory first = new NativeMemory(system);
                NativeMemory second = new NativeMemory(system)) {
            assertThat(first.reserve(60 << 20, 0)).isEmpty();
            long pending = NativeMemory.pendingBytes();
            assertThat(second.reserve(60 << 20, 0))
                    .as("what the first has not even allocated yet")
                    .isPresent();
            assertThat(second.reserve(20 << 20, 30 << 20))
                    .as("with what comes besides")
                    .isPresent();
            assertThat(NativeMemory.pendingBytes()).isEqualTo(pending);
            first.allocate(60 << 20); // of what was reserved, so not refused
            assertThatThrownBy(() -> first.allocate(64 << 20)).isInstanceOf(OutOfMemoryError.class);
            assertThat(second.reserve(20 << 20, 0)).isEmpty();
        }
        assertThat(NativeMemory.pendingBytes()).isZero();
    }
}
