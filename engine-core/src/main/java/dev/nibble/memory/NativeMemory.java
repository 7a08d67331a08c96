package dev.nibble.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
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

    /**
     * What is asked of the C library at least, so that small segments share large pages. So much and more it has from the
     * system, and gives back when it is freed.
     */
    private static final long PIECE_BYTES = 32 << 20;

    private final SystemMemory system;
    private final Arena arena = Arena.ofShared();
    private final List<MemorySegment> pieces = new ArrayList<>();

    /** Of the last piece. */
    private long used;

    private long allocated;
    private long unchecked = CHECK_BYTES;
    private volatile @Nullable Thread joiner;
    private volatile boolean closing;

    public NativeMemory() {
        this(new SystemMemory());
    }

    NativeMemory(SystemMemory system) {
        this.system = system;
    }

    /** Frees what was allocated, and whatever else belongs to this arena. */
    @Override
    public void close() {
        closing = true;
        awaitJoined();
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
        MemorySegment segment = CLibrary.allocates() ? cut(bytes) : arena.allocate(bytes, ALIGNMENT);
        allocated += bytes;
        return segment;
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

    /** The next bytes of the last piece, or of a new one. */
    private MemorySegment cut(long bytes) {
        if (pieces.isEmpty() || pieces.getLast().byteSize() - used < bytes) {
            MemorySegment piece = piece(Math.max(PIECE_BYTES, bytes));
            if (!pieces.isEmpty()) {
                pieces.add(pieces.removeLast().asSlice(0, used));
            }
            pieces.add(piece);
            used = 0;
        }
        MemorySegment piece = pieces.getLast();
        MemorySegment segment = piece.asSlice(used, bytes);
        used = Math.min(piece.byteSize(), used + Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT);
        return segment;
    }

    @SuppressWarnings("restricted") // only called where native access is enabled
    private MemorySegment piece(long bytes) {
        long address = CLibrary.malloc(bytes + Pages.LARGE);
        if (address == 0) {
            throw outOfMemory(bytes, "the system has none left");
        }
        long aligned = Math.ceilDiv(address, Pages.LARGE) * Pages.LARGE;
        return MemorySegment.ofAddress(aligned).reinterpret(bytes, arena, segment -> CLibrary.free(address));
    }

    private OutOfMemoryError outOfMemory(long bytes, String why) {
        return new OutOfMemoryError(
                bytes + " bytes outside the heap, after " + allocated + " of the kind, were not allocated: " + why);
    }

    /**
     * Joins the pages of what was allocated, and written to, so that reading it needs fewer translations of addresses, in a
     * thread of its own. Where the system does not join pages, nothing happens.
     */
    public synchronized void joinPages() {
        if (pieces.isEmpty() || !Pages.canJoin()) {
            return;
        }
        List<MemorySegment> written = new ArrayList<>(pieces);
        written.add(written.removeLast().asSlice(0, used));
        joiner = Thread.ofPlatform().daemon().name("nibble-pages").start(() -> {
            for (MemorySegment piece : written) {
                for (long at = 0; at < piece.byteSize() && !closing; at += PIECE_BYTES) {
                    Pages.join(piece.asSlice(at, Math.min(PIECE_BYTES, piece.byteSize() - at)));
                }
            }
        });
    }

    /** Waits for the thread of {@link #joinPages}. */
    void awaitJoined() {
        Thread thread = joiner;
        boolean interrupted = false;
        while (thread != null && thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
