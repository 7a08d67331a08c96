package dev.nibble.cpu.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory outside the heap that a thread works in. What it holds is of an earlier call. */
final class ThreadMemory {
    private static final ThreadLocal<ThreadMemory> CURRENT = ThreadLocal.withInitial(ThreadMemory::new);
    private static final long ALIGNMENT = 64;

    private MemorySegment input = MemorySegment.NULL;
    private MemorySegment tiles = MemorySegment.NULL;
    private MemorySegment results = MemorySegment.NULL;

    private ThreadMemory() {}

    static ThreadMemory current() {
        return CURRENT.get();
    }

    /** Room for a row of floats. */
    MemorySegment input(long bytes) {
        input = ensure(input, bytes);
        return input;
    }

    /** Room for unpacked weights. */
    MemorySegment tiles(long bytes) {
        tiles = ensure(tiles, bytes);
        return tiles;
    }

    /** Room for outputs. */
    MemorySegment results(long bytes) {
        results = ensure(results, bytes);
        return results;
    }

    private static MemorySegment ensure(MemorySegment memory, long bytes) {
        return memory.byteSize() >= bytes ? memory : Arena.ofAuto().allocate(bytes, ALIGNMENT);
    }
}
