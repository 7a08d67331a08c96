package dev.nibble.cpu.pool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.MatmulKernel;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadAheadTest {
    private static final int ROW_BYTES = 1024;

    /** A kernel that only has memory. */
    private static final class Memory extends MatmulKernel {
        private final MemorySegment data;

        Memory(MemorySegment data) {
            super((int) (data.byteSize() / ROW_BYTES), ROW_BYTES);
            this.data = data;
        }

        @Override
        public void multiply(
                MatmulInput x,
                int xRow,
                int xRows,
                float[] y,
                int yOffset,
                int yStride,
                int from,
                int to,
                Scratch scratch) {
            throw new UnsupportedOperationException();
        }

        @Override
        public MemorySegment stream() {
            return data;
        }

        @Override
        public long streamOffset(int output) {
            return (long) output * ROW_BYTES;
        }

        @Override
        public String description() {
            return "memory";
        }
    }

    private static ReadAhead.Loop loop(int rows) {
        return loop(MemorySegment.ofArray(new byte[rows * ROW_BYTES]));
    }

    private static ReadAhead.Loop loop(MemorySegment data) {
        return Objects.requireNonNull(ReadAhead.Loop.of(new Memory(data)));
    }

    private static void begin(ReadAhead ahead, ReadAhead.Loop loop, int rows) {
        ahead.begin(loop, rows, 4, 4);
    }

    private static int bytes(ReadAhead.Reader reader) {
        int steps = 0;
        while (reader.read()) {
            steps++;
        }
        return steps * ReadAhead.STEP;
    }

    @Test
    void readsWhatFollowedTheLastTimeAndOnlyOnce() {
        ReadAhead ahead = new ReadAhead();
        ReadAhead.Reader reader = ahead.reader(0);
        ReadAhead.Loop first = loop(16);
        ReadAhead.Loop second = loop(32);
        assertThat(bytes(reader)).isZero();
        begin(ahead, first, 16);
        begin(ahead, second, 32);
        assertThat(bytes(reader)).as("nothing followed yet").isZero();
        begin(ahead, first, 16);
        assertThat(bytes(reader)).isEqualTo(32 * ROW_BYTES);
        assertThat(bytes(reader)).isZero();
        begin(ahead, second, 32);
        assertThat(bytes(reader)).isEqualTo(16 * ROW_BYTES);
    }

    @Test
    void stopsAtItsLimit() {
        ReadAhead ahead = new ReadAhead();
        ReadAhead.Loop large = loop(2 * ReadAhead.MAX_BYTES / ROW_BYTES);
        begin(ahead, large, 4);
        begin(ahead, large, 4);
        assertThat(bytes(ahead.reader(0))).isEqualTo(ReadAhead.MAX_BYTES);
    }

    @Test
    void eachThreadReadsFromItsFirstItemOn() {
        ReadAhead ahead = new ReadAhead();
        ReadAhead.Loop loop = loop(64);
        begin(ahead, loop, 64);
        begin(ahead, loop, 64);
        // chunks of a quarter of what is left, in whole fours: 16, 12, 8
        assertThat(bytes(ahead.reader(0))).isEqualTo(64 * ROW_BYTES);
        assertThat(bytes(ahead.reader(1))).isEqualTo(48 * ROW_BYTES);
        assertThat(bytes(ahead.reader(2))).isEqualTo(36 * ROW_BYTES);
        assertThat(bytes(ahead.reader(50))).as("a thread without an item").isZero();
    }

    @Test
    void loopsThatDoNotTakePartEndIt() {
        ReadAhead ahead = new ReadAhead();
        ReadAhead.Loop loop = loop(16);
        begin(ahead, loop, 16);
        begin(ahead, loop, 16);
        ahead.begin(null, 16, 4, 4);
        assertThat(bytes(ahead.reader(0))).isZero();
    }

    @Test
    void aClosedModelEndsItQuietly() {
        ReadAhead ahead = new ReadAhead();
        try (Arena arena = Arena.ofShared()) {
            ReadAhead.Loop loop = loop(arena.allocate(16 * ROW_BYTES));
            begin(ahead, loop, 16);
            begin(ahead, loop, 16);
        }
        ReadAhead.Reader reader = ahead.reader(0);
        assertThat(reader.read()).as("the attempt").isTrue();
        assertThat(reader.read()).isFalse();
    }

    /** A fault of such memory would be raised anywhere in the thread that waits. */
    @Test
    void memoryMappedFromAFileIsNotReadAhead(@TempDir Path folder) throws IOException {
        Path file = Files.write(folder.resolve("weights"), new byte[16 * ROW_BYTES]);
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file)) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            assertThat(ReadAhead.Loop.of(new Memory(mapped.asSlice(ROW_BYTES)))).isNull();
        }
    }

    @Test
    void chunksOfAPoolBeginWhereTheReadersDo() {
        try (WorkerPool pool = new WorkerPool(2)) {
            List<Integer> starts = Collections.synchronizedList(new ArrayList<>());
            pool.forEachShrinking(64, 4, (worker, from, to) -> starts.add(from), loop(64));
            // 6 shares: 8, then of 56 a sixth in whole fours
            assertThat(starts).contains(0, 8, 16).doesNotHaveDuplicates();
        }
    }
}
