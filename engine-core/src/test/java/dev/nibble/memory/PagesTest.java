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

/** Run with native access, where the advice is given, and without. */
@Tag("vector-width")
class PagesTest {
    @Test
    void populatingKeepsWhatIsThere() {
        try (NativeMemory memory = new NativeMemory()) {
            MemorySegment segment = memory.allocate(3 << 20);
            segment.fill((byte) 1);
            Pages.populate(segment.asSlice(1 << 20, 100_000));
            Pages.populate(segment.asSlice(5, 0));
            Pages.populate(memory.allocate(2 << 20));
            assertThat(segment.toArray(ValueLayout.JAVA_BYTE)).containsOnly(1);
        }
    }

    @Test
    void whatIsReleasedComesAgain(@TempDir Path folder) throws IOException {
        byte[] bytes = new byte[100_000];
        Arrays.fill(bytes, (byte) 3);
        Path file = Files.write(folder.resolve("file"), bytes);
        try (FileChannel channel = FileChannel.open(file);
                Arena arena = Arena.ofShared()) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes.length, arena);
            assertThat(mapped.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
            Pages.release(mapped.asSlice(100, 50_000));
            Pages.release(mapped.asSlice(100, 100));
            assertThat(mapped.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
            assertThatThrownBy(() -> Pages.release(arena.allocate(10_000)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("mapped file");
        }
    }
}
