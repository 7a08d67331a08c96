package dev.nibble.memory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Advice to the system about pages of memory, which changes nothing that the memory holds. Nothing happens where the system does
 * not take such advice, or this code may not give it: it needs Linux and native access.
 */
public final class Pages {
    /** Bytes of a large page of x86-64, and of most others. */
    static final long LARGE = 2 << 20;

    private static final long SMALL = 4096;

    // linux/mman.h
    private static final int MADV_DONTNEED = 4;
    private static final int MADV_POPULATE_WRITE = 23; // from Linux 5.14 on
    private static final int MADV_COLLAPSE = 25; // from Linux 6.1 on

    private static final Path LARGE_PAGES = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");

    private Pages() {}

    /** Has the system provide the pages of memory that is about to be written to together: that costs it less than one by one. */
    public static void populate(MemorySegment memory) {
        long from = memory.address() & -SMALL;
        long bytes = memory.address() + memory.byteSize() - from;
        if (bytes > 0) {
            CLibrary.madvise(from, bytes, MADV_POPULATE_WRITE);
        }
    }

    /**
     * Tells the system that a part of a mapped file will not be read soon: it no longer counts as this process's memory, and
     * comes again when it is read.
     *
     * @return whether it took the advice
     * @throws IllegalArgumentException if the memory is not of a file: what it holds would be lost
     */
    public static boolean release(MemorySegment mapped) {
        if (!mapped.isMapped()) {
            throw new IllegalArgumentException("only the pages of a mapped file come again");
        }
        return advise(mapped, SMALL, MADV_DONTNEED);
    }

    /** Whether the system would take the advice of {@link #release}. */
    public static boolean canRelease(MemorySegment mapped) {
        return bytesOfPages(mapped, SMALL) > 0 && CLibrary.madvise(0, 0, MADV_DONTNEED);
    }

    /** Whether the system joins pages, and its owner does not forbid it. */
    static boolean canJoin() {
        try {
            return !Files.readString(LARGE_PAGES).contains("[never]") && CLibrary.madvise(0, 0, MADV_COLLAPSE);
        } catch (IOException e) {
            return false; // not Linux, or made without large pages
        }
    }

    /** Joins small pages to large ones, where these fit. This copies them, while others may read and write. */
    static void join(MemorySegment memory) {
        advise(memory, LARGE, MADV_COLLAPSE);
    }

    /** About the whole pages of a part of memory. */
    private static boolean advise(MemorySegment memory, long page, int advice) {
        long bytes = bytesOfPages(memory, page);
        return bytes > 0 && CLibrary.madvise(Math.ceilDiv(memory.address(), page) * page, bytes, advice);
    }

    private static long bytesOfPages(MemorySegment memory, long page) {
        return (memory.address() + memory.byteSize() & -page) - Math.ceilDiv(memory.address(), page) * page;
    }
}
