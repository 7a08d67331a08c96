package dev.nibble.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Large pieces of memory outside the heap that will be written to before they are read. Thread-safe.
 *
 * <p>An {@link Arena} fills what it allocates with zeros, in one thread: 0.3 s for a gigabyte, mostly the system's work
 * for each new page. Where this code may call native code, the memory is from the C library instead, so that the pages
 * come when the threads of a pool first write to them; else from the arena.
 *
 * <p>Until then the system believes that it still has them. So what is {@linkplain #pendingBytes pending}, because it was
 * reserved or was given and not yet written to, is counted here, for all of the process.
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

    /** Held from the look at what the system has left until what was found there is taken. */
    private static final Object RESERVING = new Object();

    private static final AtomicLong PENDING = new AtomicLong();
    private static final AtomicLong WRITTEN = new AtomicLong();

    private final SystemMemory system;
    private final Arena arena = Arena.ofShared();
    private final List<MemorySegment> pieces = new ArrayList<>();

    /** Of the last piece. */
    private long used;

    private long allocated;
    /** Of what was allocated, what is not known to be written to. */
    private long unwritten;
    /** Taken for what will be allocated. */
    private long reserved;

    private long unchecked = CHECK_BYTES;
    private volatile @Nullable Thread joiner;
    private volatile boolean closing;

    public NativeMemory() {
        this(new SystemMemory());
    }

    /** From a system that is asked what it has left. */
    public NativeMemory(SystemMemory system) {
        this.system = system;
    }

    /** Bytes that were reserved or given anywhere in this process, and were not written to yet. */
    public static long pendingBytes() {
        return PENDING.get();
    }

    /** Bytes that were given anywhere in this process and written to. */
    static long writtenBytes() {
        return WRITTEN.get();
    }

    /**
     * Takes what will be allocated, so that nobody else counts on it, if it is there and {@code besides} more.
     *
     * @return what there is instead, if it is too little; then nothing is reserved
     */
    public Optional<SystemMemory.Room> reserve(long bytes, long besides) {
        synchronized (RESERVING) {
            Optional<SystemMemory.Room> room = system.allocatable();
            if (room.isPresent() && room.get().bytes() < bytes + besides) {
                return room;
            }
            synchronized (this) {
                reserved += bytes;
                PENDING.addAndGet(bytes);
            }
            return Optional.empty();
        }
    }

    /** Says that everything allocated so far has been written to. */
    public synchronized void written() {
        PENDING.addAndGet(-unwritten);
        WRITTEN.addAndGet(unwritten);
        unwritten = 0;
    }

    /** Gives back what was reserved and not allocated. */
    public synchronized void releaseReserved() {
        PENDING.addAndGet(-reserved);
        reserved = 0;
    }

    /** Frees what was allocated, and whatever else belongs to this arena. Later calls do nothing. */
    @Override
    public void close() {
        if (closing) {
            return;
        }
        closing = true;
        awaitJoined();
        arena.close();
        synchronized (this) {
            releaseReserved();
            written();
            WRITTEN.addAndGet(-allocated);
            allocated = 0;
        }
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
        long unreserved = Math.max(0, bytes - reserved);
        check(unreserved);
        MemorySegment segment = CLibrary.allocates() ? cut(bytes) : arena.allocate(bytes, ALIGNMENT);
        allocated += bytes;
        unwritten += bytes;
        reserved -= bytes - unreserved;
        PENDING.addAndGet(unreserved);
        return segment;
    }

    /** A system that promises more memory than it has ends the process when it is used, so it is asked before. */
    private void check(long bytes) {
        unchecked += bytes;
        if (unchecked < CHECK_BYTES) {
            return;
        }
        unchecked = 0;
        Optional<SystemMemory.Room> room = system.allocatable();
        if (room.isPresent() && room.get().bytes() < bytes) {
            throw outOfMemory(bytes, room.get().toString());
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

    /** Refused here or by the C library, not by the JVM. */
    static final class Exhausted extends OutOfMemoryError {
        private static final long serialVersionUID = 1L;

        Exhausted(String message) {
            super(message);
        }
    }

    private OutOfMemoryError outOfMemory(long bytes, String why) {
        return new Exhausted(ByteCount.text(bytes) + " outside the heap, after " + ByteCount.text(allocated)
                + " of the kind, were not allocated: " + why);
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
