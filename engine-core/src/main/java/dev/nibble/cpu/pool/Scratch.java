package dev.nibble.cpu.pool;

import dev.nibble.memory.GrowingMemory;
import java.lang.foreign.MemorySegment;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The memory that a worker of a {@link WorkerPool} computes in, kept and grown, so that kernels allocate nothing after
 * warm-up. It belongs to the worker's index and not to a thread: threads that call come and go. What it holds is of an earlier use.
 */
public final class Scratch implements AutoCloseable {
    private float[] panel = new float[0];
    private float[] tile = new float[0];

    private short[] halves = new short[0];
    private final float[] scales = new float[32];
    private final byte[] block = new byte[128];
    private final long[] levels = new long[32];

    private MemorySegment bytes = MemorySegment.ofArray(new byte[0]);

    private final Parts parts = new Parts();

    private final GrowingMemory input = new GrowingMemory();
    private final GrowingMemory tiles = new GrowingMemory();
    private final GrowingMemory results = new GrowingMemory();

    /** At least {@code size} floats of any content, for dequantized weights. Valid until the next call. */
    public float[] panel(int size) {
        if (panel.length < size) {
            panel = new float[size];
        }
        return panel;
    }

    /** Room for the scales of one block, 32 floats. */
    public float[] scales() {
        return scales;
    }

    /** Room for a block of 256 weights of less than 4 bits, as a file has it. */
    public byte[] block() {
        return block;
    }

    /** Room for the levels of 256 weights, 8 to a long. */
    public long[] levels() {
        return levels;
    }

    /** At least {@code size} shorts of any content, for half-precision values. Valid until the next call. */
    public short[] halves(int size) {
        if (halves.length < size) {
            halves = new short[size];
        }
        return halves;
    }

    /** At least {@code size} bytes of any content, for quantized values. Valid until the next call. */
    public MemorySegment bytes(int size) {
        if (bytes.byteSize() < size) {
            bytes = MemorySegment.ofArray(new byte[size]);
        }
        return bytes;
    }

    /** At least {@code size} floats of any content, for results. Valid until the next call. */
    public float[] tile(int size) {
        if (tile.length < size) {
            tile = new float[size];
        }
        return tile;
    }

    /** At least so many bytes outside the heap, for a row of inputs or some of weights. Valid until the next call. */
    public MemorySegment nativeInput(long size) {
        return input.ensure(size);
    }

    /** At least so many bytes outside the heap, for unpacked weights. Valid until the next call. */
    public MemorySegment nativeTiles(long size) {
        return tiles.ensure(size);
    }

    /** At least so many bytes outside the heap, for results. Valid until the next call. */
    public MemorySegment nativeResults(long size) {
        return results.ensure(size);
    }

    /** The only object of a class here, made when it is first asked for: what a kernel family needs beside the rest. */
    public <T> T part(Class<T> type, Supplier<T> create) {
        return parts.get(type, create);
    }

    /** Likewise of a class whose object is made from an argument. */
    public <T, A> T part(Class<T> type, Function<A, T> create, A argument) {
        return parts.get(type, create, argument);
    }

    /** Frees what lies outside the heap. */
    @Override
    public void close() {
        input.close();
        tiles.close();
        results.close();
    }
}
