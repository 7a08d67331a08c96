package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;

import dev.nibble.cpu.interleaved.QuantizedInput.Factors;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.MatmulKernel;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.cpu.vector.Lanes;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A weight matrix whose rows were rearranged in groups, see {@link GroupLayout}, multiplied by activations of 8 bits, or by exact
 * ones ({@link Quants#exact}).
 *
 * <p>One input row reads each weight once, in one stream. From {@link #MIN_BATCH} rows on, weights are unpacked into the
 * cache and used by all rows, see {@link BatchLanes}.
 */
public final class InterleavedKernel extends MatmulKernel {
    /** Input rows from which unpacking pays. */
    static final int MIN_BATCH = 4;

    /**
     * Groups whose pieces lie side by side: all of a band are multiplied with the same columns of the input one after the
     * other, while these are in the L1 cache.
     */
    static final int BAND = 4;

    /** What a block's place in its group is counted in must fit an int. */
    private static final long MAX_GROUP_BYTES = 1L << 31;

    private final DType dtype;
    private final GroupLayout layout;
    private final MemorySegment data;
    private final long base;

    // of a piece, for one input row
    private final int pieceFactors;
    private final int pieceSlots;

    /** The loops that multiply a piece with one input row, in their order. */
    private final SeparateLoop[] rowLoops;

    private final SeparateLoop readScales;

    /** Whether several input rows are multiplied in lanes of 16 bits. */
    private final boolean shorts;

    private InterleavedKernel(Tensor weight, GroupLayout layout, MemorySegment data) {
        super(sizeOf(weight, weight.rows(), "rows"), sizeOf(weight, weight.columns(), "columns"));
        this.dtype = weight.dtype();
        this.layout = layout;
        this.data = data;
        base = Shorts.base(data);
        pieceSlots = GroupLayout.PIECE / layout.quants().slotColumns();
        pieceFactors = pieceSlots * layout.quants().terms().count();
        readScales = layout.readScales();
        rowLoops = layout.rowLoops();
        shorts = BatchLanes.areShorts(layout);
    }

    /** Names how copies are laid out. */
    public static String copyLayout() {
        return "interleaved " + Packer.VERSION + ", " + GROUP + " rows, " + Shorts.LANES + " lanes";
    }

    /**
     * Rearranges a weight matrix, or takes what an earlier load made of it.
     *
     * @param memory holds the copy
     * @return null if the type has no such layout, or a scale is not a finite number
     */
    public static @Nullable InterleavedKernel of(Tensor weight, RepackMemory memory, WorkerPool pool) {
        GroupLayout layout = GroupLayout.of(weight.dtype());
        if (layout == null || weight.rows() > Integer.MAX_VALUE || weight.columns() > Integer.MAX_VALUE) {
            return null;
        }
        long groupBytes = layout.bytes((int) weight.columns());
        if (groupBytes > MAX_GROUP_BYTES) {
            return null;
        }
        long bytes = Math.ceilDiv((int) weight.rows(), GROUP) * groupBytes;
        MemorySegment data = memory.copy(weight, copyLayout(), bytes, copy -> Packer.pack(weight, layout, copy, pool));
        return data.byteSize() == 0 ? null : new InterleavedKernel(weight, layout, data);
    }

    @Override
    public void prepare(MatmulInput x, WorkerPool pool) {
        if (x.rows() < MIN_BATCH) {
            if (!layout.quants().exact()) {
                QuantizedInput.pack(x, pool).multiplyBy(layout.quants().terms());
            }
        } else if (shorts) {
            QuantizedInput.pack(x, pool);
        } else {
            PromptInFloats.prepare(x, pool);
        }
    }

    @Override
    public void multiply(
            MatmulInput x,
            int xRow,
            int xRows,
            float[] y,
            int yOffset,
            int yStride,
            int from,
            int to,
            Scratch scratch) {
        RowTask piece = RowTask.of(scratch);
        try {
            if (x.rows() < MIN_BATCH) {
                for (int row = 0; row < xRows; row++) {
                    multiplyRow(piece, x, xRow + row, y, yOffset + row * yStride, from, to);
                }
            } else if (shorts) {
                PromptInShorts.multiply(piece, this, prepared(x), xRow, xRows, y, yOffset, yStride, from, to);
            } else {
                PromptInFloats.multiply(piece, this, x, xRow, xRows, y, yOffset, yStride, from, to);
            }
        } finally {
            Reference.reachabilityFence(data); // read by address, see Shorts
        }
    }

    private static QuantizedInput prepared(MatmulInput x) {
        QuantizedInput input = x.packed(QuantizedInput.class);
        if (input == null) {
            throw new IllegalStateException("the input was not prepared");
        }
        return input;
    }

    private void multiplyRow(RowTask piece, MatmulInput x, int input, float[] y, int yAt, int from, int to) {
        piece.data = data;
        piece.layout = layout;
        piece.which = 0;
        Factors factors = null;
        float drop = 1;
        if (layout.quants().exact()) {
            piece.values = x.values();
        } else {
            piece.x = prepared(x);
            factors = piece.x.factors(layout.quants().terms());
            piece.factors = factors.values();
            piece.begins = factors.begins();
            drop = layout.lifted() ? piece.x.drop(input) : 1;
        }
        for (int group = from / GROUP; group * GROUP < to; ) {
            int end = Math.min(Math.ceilDiv(to, GROUP), (group / BAND + 1) * BAND);
            multiplyBand(piece, factors, input, group, end);
            int begin = Math.max(from, group * GROUP);
            int count = Math.min(to, end * GROUP) - begin;
            for (int i = 0, j = begin - group * GROUP; i < count; i++, j++) {
                y[yAt + begin + i] = piece.result[j] * drop;
            }
            group = end;
        }
    }

    /**
     * Multiplies groups of one band with one input row.
     *
     * @param factors of the rounded input, null if it is exact
     */
    private void multiplyBand(RowTask piece, @Nullable Factors factors, int input, int from, int to) {
        Arrays.fill(piece.result, 0);
        piece.valuesAt = input * columns();
        piece.factorsAt = factors == null ? 0 : input * factors.inputValues();
        piece.beginsAt = factors == null ? 0 : input * factors.slots();
        piece.index = input * columns() / GroupLayout.BLOCK;
        for (int k = 0; k < columns(); k += GroupLayout.PIECE) {
            piece.columns = Math.min(GroupLayout.PIECE, columns() - k);
            piece.at = addressOf(from, k);
            piece.resultAt = 0;
            for (int group = from; group < to; group++) {
                for (SeparateLoop step : rowLoops) {
                    SeparateLoop.call(step, piece);
                }
                piece.at += layout.bytes(piece.columns);
                piece.resultAt += GROUP;
            }
            piece.valuesAt += GroupLayout.PIECE;
            piece.factorsAt += pieceFactors;
            piece.beginsAt += pieceSlots;
            piece.index += GroupLayout.PIECE / GroupLayout.BLOCK;
        }
    }

    GroupLayout layout() {
        return layout;
    }

    SeparateLoop readScales() {
        return readScales;
    }

    MemorySegment data() {
        return data;
    }

    /** Where the columns of a group begin, those of a piece, from {@code k} on. */
    long addressOf(int group, int k) {
        return base + offsetOf(group, k);
    }

    /** The same of a slice: a part of a group, counted through the matrix. */
    long addressOfSlice(int slice, int k) {
        return addressOf(slice / Shorts.PARTS, k) + slice % Shorts.PARTS * Shorts.VECTOR;
    }

    private long offsetOf(int group, int k) {
        return offsetOf(layout, rows(), columns(), group, k);
    }

    /** The byte of the copy at which the columns of a group begin, those of a piece, from {@code k} on. */
    static long offsetOf(GroupLayout layout, int rows, int columns, int group, int k) {
        int first = group / BAND * BAND;
        int count = Math.min(BAND, Math.ceilDiv(rows, GROUP) - first);
        long piece = layout.bytes(Math.min(GroupLayout.PIECE, columns - k));
        return first * layout.bytes(columns) + count * layout.bytes(k) + (group - first) * piece;
    }

    @Override
    public MemorySegment stream() {
        return data;
    }

    @Override
    public long streamOffset(int output) {
        return offsetOf(output / GROUP / BAND * BAND, 0);
    }

    @Override
    public long repackedBytes() {
        return data.byteSize();
    }

    @Override
    public String description() {
        String activations = layout.quants().exact()
                ? ""
                : shorts ? ", 8 bit activations" : ", 8 bit activations, exact ones in batches";
        return "vector " + Lanes.F.vectorBitSize() + " bit " + dtype + ", " + GROUP + " rows interleaved" + activations;
    }
}
