package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;

import java.lang.foreign.MemorySegment;

/** What a thread works on: some columns of a group of rows, a token, and memory for what is made of them. */
final class Piece {
    private static final Layout NONE = new BlockLayout(new EightBits(), QuantReader::q8, 34, false);
    private static final ThreadLocal<Piece> CURRENT = ThreadLocal.withInitial(Piece::new);

    /** The weights. */
    MemorySegment data = MemorySegment.NULL;

    /** Where the columns begin, see {@link Shorts#base}. */
    long at;

    /** Number of columns. */
    int columns;

    QuantizedInput x = new QuantizedInput();

    /** Index in {@link #x} of the first block and the first token. */
    int index;

    /** {@link QuantizedInput.Factors} of one token, from the first column on. */
    int[] factors = new int[0];

    int factorsAt;

    int[] begins = new int[0];

    int beginsAt;

    /** That of the weights. */
    Layout layout = NONE;

    /** Which of the groups that are unpacked together. */
    int which;

    /** What {@link Quants#sums} make of blocks. */
    final short[] records =
            new short[(Layout.PIECE / Layout.BLOCK * 5 + Layout.PIECE / Layout.SUPER_BLOCK * 2) * GROUP];

    /** Sums of 16 bits of a tile of a batch. */
    final short[] sums = new short[Batch.SUMS];

    /** Sums of 32 bits [blocks, GROUP]. */
    final int[] wideSums = new int[Layout.PIECE / Layout.BLOCK * GROUP];

    /** [which, columns of a scale, GROUP]. */
    final float[] scales = new float[Math.max(Layout.PIECE / 16 * GROUP, Batch.GROUPS * Batch.SCALES)];

    /** [which, blocks, GROUP]. */
    final float[] shifts = new float[Math.max(Layout.PIECE / Layout.BLOCK * GROUP, Batch.GROUPS * Batch.SHIFTS)];

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
