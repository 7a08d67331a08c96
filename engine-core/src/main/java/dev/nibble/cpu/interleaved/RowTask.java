package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.LANES;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * What a worker multiplies: some columns of a group of weight rows with one input row, or of a slice with several, and memory
 * for what is made on the way.
 */
final class RowTask {
    // of one slice
    static final int SCALES = GroupLayout.PIECE / 16 * LANES;
    static final int SHIFTS = SCALES;

    private static final GroupLayout NONE = Objects.requireNonNull(GroupLayout.of(DType.Q8_0));

    /** The weights. */
    MemorySegment data = MemorySegment.NULL;

    /** Where the columns begin, see {@link Shorts#base}. */
    long at;

    /** Number of columns. */
    int columns;

    QuantizedInput x = new QuantizedInput();

    /** Index of the first block in the scales and totals of {@link #x}. */
    int index;

    /** {@link QuantizedInput.Factors} of one input row, from the first column on. */
    int[] factors = new int[0];

    int factorsAt;

    int[] begins = new int[0];

    int beginsAt;

    /** That of the weights. */
    GroupLayout layout = NONE;

    /** {@link BlockSums} of blocks, or only their heads. */
    final short[] records = new short[GroupLayout.PIECE / GroupLayout.BLOCK * 5 * GROUP];

    /** Results of a super-block before its scale. */
    final float[] partial = new float[GROUP];

    /** A rounded block, see {@link QuantizedInput}. */
    final int[] rounded = new int[GroupLayout.BLOCK];

    /** Results of a band and an input row; where those of the group begin. */
    final float[] result = new float[InterleavedKernel.BAND * GROUP];

    int resultAt;

    // Of batches.

    /** Which of the slices that are unpacked together. */
    int which;

    /** Which quarter of the tile is folded: a slice, and two of its input rows. */
    int quarter;

    /** Shorts from column to column in {@link #quants}. */
    int quantsStride = LANES;

    /** Unpacked quants [columns, slices, LANES]. */
    final short[] quants = new short[GroupLayout.PIECE * PromptInShorts.SLICES * LANES];

    /** [slices, columns of a scale, LANES]. */
    final float[] scales = new float[PromptInShorts.SLICES * SCALES];

    /** The same of shifts. */
    final float[] shifts = new float[PromptInShorts.SLICES * SHIFTS];

    /** Dequantized weights [columns, LANES]. */
    final float[] weights = new float[GroupLayout.PIECE * LANES];

    /** Sums of a tile. */
    final short[] sums = new short[PromptInShorts.SUMS];

    /** Activations that are not rounded: of a row, or of a batch; where those of the piece, or of a tile begin. */
    float[] values = new float[0];

    int valuesAt;

    /** Results of a batch; where the first input row of a tile begins. */
    float[] results = new float[0];

    int resultsAt;

    private RowTask() {}

    /** That of a worker; its contents are of an earlier call. */
    static RowTask of(Scratch scratch) {
        return scratch.part(RowTask.class, RowTask::new);
    }

    /** Makes room for results. */
    void ensureResults(int size) {
        if (results.length < size) {
            results = new float[size];
        }
    }

    /** Where the scales of this one of the slices begin. */
    int scalesTo() {
        return which * SCALES;
    }

    int shiftsTo() {
        return which * SHIFTS;
    }

    int quantsTo() {
        return which * LANES;
    }
}
