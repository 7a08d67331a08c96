package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;

import java.lang.foreign.MemorySegment;

/** What a thread works on: some columns of a group of rows, a token, and memory for what is made of them. */
final class Piece {
    private static final ThreadLocal<Piece> CURRENT = ThreadLocal.withInitial(Piece::new);

    /** The weights. */
    MemorySegment data = MemorySegment.NULL;

    /** Byte offset of the scales. */
    long scalesAt;

    /** Byte offset of the quants. */
    long quantsAt;

    /** Number of columns. */
    int columns;

    QuantizedInput x = new QuantizedInput();

    /** Index in {@link #x} of the first block and the first token. */
    int index;

    /** Index of the first column in {@link QuantizedInput#ordered}, for one token. */
    int orderedAt;

    /** Which of the groups that are unpacked together. */
    int which;

    /** Sums of 16 bits [slots, GROUP], of several tokens and groups in a batch. */
    final short[] sums = new short[Math.max(Layout.PIECE / 8 * GROUP, Batch.SUMS)];

    /** Sums of 32 bits [blocks, GROUP]. */
    final int[] wideSums = new int[Layout.PIECE / Layout.BLOCK * GROUP];

    /** [which, columns of a scale, GROUP]. */
    final float[] scales = new float[Math.max(Layout.PIECE / 16 * GROUP, Batch.GROUPS * Batch.SCALES)];

    /** Scales of super-blocks [super-blocks, GROUP]. */
    final float[] halves = new float[Layout.PIECE / SuperBlockLayout.SUPER_BLOCK * GROUP];

    /** [which, blocks, GROUP]. */
    final float[] shifts = new float[Math.max(Layout.PIECE / Layout.BLOCK * GROUP, Batch.GROUPS * Batch.SHIFTS)];

    /** Elements in bytes [columns / 2, GROUP], see {@link BytePairs}. */
    final short[] bytePairs = new short[Batch.QUANTS / 2];

    /** Results of a group and a token. */
    final float[] result = new float[GROUP];

    /** Unpacked quants of a batch [which, columns, GROUP]. */
    final short[] quants = new short[Batch.GROUPS * Batch.QUANTS];

    /** Dequantized weights of a batch [which, columns, GROUP]. */
    final float[] weights = new float[Batch.GROUPS * Batch.QUANTS];

    /** Results of a batch [tokens, GROUPS, GROUP]; where the first token of a tile begins. */
    float[] results = new float[0];

    int resultsAt;

    private Piece() {}

    /** That of the calling thread; its contents are of an earlier call. */
    static Piece current() {
        return CURRENT.get();
    }

    /** Makes room for results. */
    void ensureResults(int size) {
        if (results.length < size) {
            results = new float[size];
        }
    }

    /** Where the scales of this one of the groups begin. */
    int scalesTo() {
        return which * Batch.SCALES;
    }

    int shiftsTo() {
        return which * Batch.SHIFTS;
    }

    int quantsTo() {
        return which * Batch.QUANTS;
    }
}
