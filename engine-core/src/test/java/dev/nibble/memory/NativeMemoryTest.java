package dev.nibble.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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
    void populatingKeepsWhatIsThere() {
        try (NativeMemory memory = new NativeMemory()) {
            MemorySegment segment = memory.allocate(3 << 20);
            segment.fill((byte) 1);
            NativeMemory.populate(segment.asSlice(1 << 20, 100_000));
            NativeMemory.populate(segment.asSlice(5, 0));
            NativeMemory.populate(memory.allocate(2 << 20));
            assertThat(segment.toArray(ValueLayout.JAVA_BYTE)).containsOnly(1);
        }
    }

    @Test
    void whatIsReleasedComesAgain(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("file");
        byte[] bytes = new byte[100_000];
        Arrays.fill(bytes, (byte) 3);
        Files.write(file, bytes);
        try (FileChannel channel = FileChannel.open(file);
                Arena arena = Arena.ofShared()) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes.length, arena);
            assertThat(mapped.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
            NativeMemory.release(mapped.asSlice(100, 50_000));
            NativeMemory.release(mapped.asSlice(100, 100));
            assertThat(mapped.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
            assertThatThrownBy(() -> NativeMemory.release(arena.allocate(10_000)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("mapped file");
        }
    }

    @Test
    void refusesWhatTheSystemHasNot(@TempDir Path root) throws IOException {
        Files.createDirectories(root.resolve("proc"));
        Files.writeString(root.resolve("proc/meminfo"), "MemAvailable: 102400 kB\nSwapFree: 0 kB\n");
        try (NativeMemory memory = new NativeMemory(new SystemMemory(root))) {
            memory.allocate(1 << 20);
            assertThatThrownBy(() -> memory.allocate(200L << 20))
                    .isInstanceOf(OutOfMemoryError.class)
                    .hasMessage("209715200 bytes outside the heap, after 1048576 of the kind, were not allocated: only"
                            + " 104857600 bytes can be allocated on this system");
        }
    }
}
