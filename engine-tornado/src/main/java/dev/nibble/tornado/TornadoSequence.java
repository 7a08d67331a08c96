package dev.nibble.tornado;

import dev.nibble.spi.Sequence;
import org.jspecify.annotations.Nullable;

/** A sequence whose keys and values lie on the device, and on the CPU for the layers that run there. */
final class TornadoSequence implements Sequence {
    private final TornadoForwardPass owner;
    private final KvPages pool;
    private final int capacity;
    private final @Nullable Sequence cpu;
    private int[] pages = new int[0];
    private int length;
    private boolean closed;

    TornadoSequence(TornadoForwardPass owner, KvPages pool, int capacity, @Nullable Sequence cpu) {
        this.owner = owner;
        this.pool = pool;
        this.capacity = capacity;
        this.cpu = cpu;
    }

    boolean isOwnedBy(TornadoForwardPass pass) {
        return owner == pass;
    }

    /** What the layers on the CPU remember, or null if there are none. */
    @Nullable Sequence cpu() {
        return cpu;
    }

    @Override
    public void reserve(int newLength) {
        if (closed) {
            throw new IllegalStateException("the sequence is closed");
        }
        if (cpu != null) {
            cpu.reserve(newLength);
        }
        pages = pool.reserve(pages, newLength);
    }

    /** Pages on the device, in order of the positions. */
    int[] pages() {
        return pages;
    }

    /** The next {@code rows} positions are evaluated. */
    void commit(int rows) {
        length += rows;
    }

    @Override
    public int capacity() {
        return capacity;
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public boolean truncate(int newLength) {
        if (closed) {
            throw new IllegalStateException("the sequence is closed");
        }
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException("cannot truncate " + length + " tokens to " + newLength);
        }
        if (cpu != null && !cpu.truncate(newLength)) {
            return false;
        }
        length = newLength;
        pages = pool.trim(pages, length);
        return true;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            pool.release(pages);
            if (cpu != null) {
                cpu.close();
            }
        }
    }
}
