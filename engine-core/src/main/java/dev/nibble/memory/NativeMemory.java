package dev.nibble.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Objects;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Large pieces of memory outside the heap that will be written to before they are read. Thread-safe.
 *
 * <p>An {@link Arena} fills what it allocates with zeros, in one thread: 0.3 s for a gigabyte, mostly the system's work
 * for each new page. Where this code may call native code, the memory is from the C library instead, so that the pages
 * come when the threads of a pool first write to them; else from the arena.
 */
public final class NativeMemory implements AutoCloseable {
    /** Of a segment: that of a cache line, and of the widest vector. */
    public static final long ALIGNMENT = 64;

    /** What may be allocated between two looks at what the system has left. */
    private static final long CHECK_BYTES = 64L << 20;

    private static final long PAGE = 4096;

    private static final long HUGE_PAGE = 2 << 20;

    /** What is asked of the C library at least, so that small weights share pages. */
    private static final long PIECE_BYTES = 32 << 20;

    // linux/mman.h
    private static final int MADV_DONTNEED = 4;
    private static final int MADV_HUGEPAGE = 14;
    private static final int MADV_POPULATE_WRITE = 23; // from Linux 5.14 on; others refuse it

    private final SystemMemory system;
    private final Arena arena = Arena.ofShared();
    private MemorySegment rest = MemorySegment.NULL;
    private long allocated;
    private long unchecked = CHECK_BYTES;

    public NativeMemory() {
        this(new SystemMemory());
    }

    NativeMemory(SystemMemory system) {
        this.system = system;
    }

    /** Frees what was allocated, and whatever else belongs to this arena. */
    @Override
    public void close() {
        arena.close();
    }

    /** What the memory belongs to. */
    public Arena arena() {
        return arena;
    }

    /**
     * Memory at a multiple of {@link #ALIGNMENT} bytes. It holds anything.
     *
     * @throws OutOfMemoryError with numbers, if there is not enough
     */
    public synchronized MemorySegment allocate(long bytes) {
        check(bytes);
        MemorySegment segment =
                CLibrary.MALLOC == null ? arena.allocate(bytes, ALIGNMENT) : cut(CLibrary.MALLOC, bytes);
        allocated += bytes;
        return segment;
    }

    /**
     * Has the system provide the pages of memory that is about to be written to at once, which costs it less than one by
     * one; whatever the memory holds stays. Does nothing where the system or this code cannot.
     */
    public static void populate(MemorySegment memory) {
        long from = memory.address() & -PAGE;
        advise(from, memory.address() + memory.byteSize() - from, MADV_POPULATE_WRITE);
    }

    /**
     * Tells the system that a part of a mapped file will not be read soon: it no longer counts as this process's memory, and
     * comes again when it is read. Does nothing where the system or this code cannot.
     *
     * @throws IllegalArgumentException if the memory is not of a file: it would be lost
     */
    public static void release(MemorySegment mapped) {
        if (!mapped.isMapped()) {
            throw new IllegalArgumentException("only the pages of a mapped file come again");
        }
        long from = Math.ceilDiv(mapped.address(), PAGE) * PAGE;
        advise(from, (mapped.address() + mapped.byteSize() & -PAGE) - from, MADV_DONTNEED);
    }

    private static void advise(long address, long bytes, int advice) {
        if (CLibrary.MADVISE != null && bytes > 0) {
            CLibrary.madvise(CLibrary.MADVISE, address, bytes, advice);
        }
    }

    /** A system that promises more memory than it has ends the process when it is used, so it is asked before. */
    private void check(long bytes) {
        unchecked += bytes;
        if (unchecked < CHECK_BYTES) {
            return;
        }
        unchecked = 0;
        OptionalLong left = system.allocatable();
        if (left.isPresent() && left.getAsLong() < bytes) {
            throw outOfMemory(bytes, "only " + left.getAsLong() + " bytes can be allocated on this system");
        }
    }

    /** The next bytes of the newest piece, or of a new one. */
    private MemorySegment cut(MethodHandle malloc, long bytes) {
        if (rest.byteSize() < bytes) {
            rest = piece(malloc, Math.max(PIECE_BYTES, bytes));
        }
        MemorySegment segment = rest.asSlice(0, bytes);
        rest = rest.asSlice(Math.min(rest.byteSize(), Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT));
        return segment;
    }

    @SuppressWarnings("restricted") // only called where native access is enabled
    private MemorySegment piece(MethodHandle malloc, long bytes) {
        long address = CLibrary.malloc(malloc, bytes + HUGE_PAGE);
        if (address == 0) {
            throw outOfMemory(bytes, "the system has none left");
        }
        long aligned = Math.ceilDiv(address, HUGE_PAGE) * HUGE_PAGE;
        advise(aligned, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
        return MemorySegment.ofAddress(aligned).reinterpret(bytes, arena, segment -> CLibrary.free(address));
    }

    private OutOfMemoryError outOfMemory(long bytes, String why) {
        return new OutOfMemoryError(
                bytes + " bytes outside the heap, after " + allocated + " of the kind, were not allocated: " + why);
    }

    /** The C library's functions, null where native access is not enabled. */
    @SuppressWarnings("restricted")
    private static final class CLibrary {
        private static final FunctionDescriptor MADVISE_TYPE = FunctionDescriptor.of(
                ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT);
        private static final @Nullable MethodHandle FREE =
                find("free", FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG));
        static final @Nullable MethodHandle MALLOC = FREE == null
                ? null
                : find("malloc", FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        static final @Nullable MethodHandle MADVISE =
                System.getProperty("os.name", "").equals("Linux") ? find("madvise", MADVISE_TYPE) : null;

        private CLibrary() {}

        private static @Nullable MethodHandle find(String name, FunctionDescriptor type) {
            if (!NativeMemory.class.getModule().isNativeAccessEnabled()) {
                return null;
            }
            Linker linker = Linker.nativeLinker();
            return linker.defaultLookup()
                    .find(name)
                    .map(symbol -> linker.downcallHandle(symbol, type))
                    .orElse(null);
        }

        static long malloc(MethodHandle malloc, long bytes) {
            try {
                return (long) malloc.invokeExact(bytes);
            } catch (Throwable t) {
                throw new IllegalStateException("malloc", t); // it throws nothing
            }
        }

        static void madvise(MethodHandle madvise, long address, long bytes, int advice) {
            try {
                var _ = (int) madvise.invokeExact(address, bytes, advice);
            } catch (Throwable t) {
                throw new IllegalStateException("madvise", t); // it throws nothing
            }
        }

        static void free(long address) {
            try {
                Objects.requireNonNull(FREE).invokeExact(address);
            } catch (Throwable t) {
                throw new IllegalStateException("free", t); // it throws nothing
            }
        }
    }
}
