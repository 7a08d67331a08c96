package dev.nibble.cpu;

import java.lang.foreign.MemorySegment;

/** Scratch memory of a thread, kept and grown, so that kernels allocate nothing after warm-up. */
public final class Scratch {
    private static final ThreadLocal<Scratch> CURRENT = ThreadLocal.withInitial(Scratch::new);

    private float[] panel = new float[0];
    private float[] tile = new float[0];

    private short[] halves = new short[0];
    private final float[] scales = new float[32];
    private final byte[] block = new byte[128];
    private final long[] levels = new long[32];

    private MemorySegment bytes = MemorySegment.ofArray(new byte[0]);

    private Scratch() {}

    /** That of the calling thread. */
    public static Scratch current() {
        return CURRENT.get();
    }

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
}
