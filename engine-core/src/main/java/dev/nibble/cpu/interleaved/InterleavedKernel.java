package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;

import dev.nibble.cpu.MatmulInput;
import dev.nibble.cpu.MatmulKernel;
import dev.nibble.cpu.WorkerPool;
import dev.nibble.cpu.vector.Lanes;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A weight matrix whose rows were rearranged in groups, see {@link Layout}, multiplied by activations of 8 bits.
 *
 * <p>One input row reads each weight once, in one stream. From {@link #MIN_BATCH} rows on, weights are unpacked into the
 * cache and used by all rows: in 16-bit lanes where 32 products fit, else as floats.
 */
public final class InterleavedKernel extends MatmulKernel {
    /** Input rows from which unpacking pays. */
    static final int MIN_BATCH = 4;

    private final DType dtype;
    private final Layout layout;
    private final MemorySegment data;
    private final int groupBytes;

    /** What is done with a piece for one input row. */
    private final Step[] rowSteps;

    private InterleavedKernel(Tensor weight, Layout layout, int groupBytes, MemorySegment data) {
        super(sizeOf(weight, weight.rows(), "rows"), sizeOf(weight, weight.columns(), "columns"));
        this.dtype = weight.dtype();
        this.layout = layout;
        this.groupBytes = groupBytes;
        this.data = data;
        rowSteps = rowSteps(layout);
    }

    private static Step[] rowSteps(Layout layout) {
        Step fold = layout instanceof EightBits
                ? Fold.INTS
                : Fold.shorts(
                        Integer.numberOfTrailingZeros(layout.scaleColumns() / layout.slotColumns()),
                        Integer.numberOfTrailingZeros(Layout.BLOCK / layout.slotColumns()));
        return layout.shifted()
                ? new Step[] {
                    layout.readScales, layout.addProducts, fold, Fold.shifts(layout.center(), layout.shiftSign())
                }
                : new Step[] {layout.readScales, layout.addProducts, fold};
    }

    /**
     * Rearranges a weight matrix.
     *
     * @param arena owner of the copy
     * @return null if the type has no such layout, or a scale is not a finite number
     */
    public static @Nullable InterleavedKernel of(Tensor weight, Arena arena, WorkerPool pool) {
        Layout layout = Layout.of(weight.dtype());
        if (layout == null || weight.rows() > Integer.MAX_VALUE || weight.columns() > Integer.MAX_VALUE) {
            return null;
        }
        int columns = (int) weight.columns();
        int groups = Math.ceilDiv((int) weight.rows(), GROUP);
        long groupBytes = 0;
        for (int k = 0; k < columns; k += Layout.PIECE) {
            groupBytes += bytes(layout, Math.min(Layout.PIECE, columns - k));
        }
        if (groupBytes > Integer.MAX_VALUE) {
            return null;
        }
        // the last vector may read some bytes behind the last group, see Shorts.bytes
        MemorySegment data = arena.allocate(groups * groupBytes + 64, 64);
        InterleavedKernel kernel = new InterleavedKernel(weight, layout, (int) groupBytes, data);
        AtomicBoolean finite = new AtomicBoolean(true);
        pool.forEach(groups, 1, (worker, from, to) -> {
            for (int group = from; group < to; group++) {
                if (!kernel.pack(weight, group)) {
                    finite.set(false);
                }
            }
        });
        return finite.get() ? kernel : null;
    }

    private static int bytes(Layout layout, int columns) {
        return layout.scaleBytes(columns) + layout.quantBytes(columns);
    }

    private boolean pack(Tensor weight, int group) {
        boolean finite = true;
        int rows = Math.min(GROUP, rows() - group * GROUP);
        short[] in = new short[(int) (dtype.byteSize(Math.min(Layout.PIECE, columns())) / 2)];
        short[] piece = new short[bytes(layout, Math.min(Layout.PIECE, columns())) / 2];
        long to = (long) group * groupBytes;
        for (int k = 0; k < columns(); k += Layout.PIECE) {
            int columns = Math.min(Layout.PIECE, columns() - k);
            int quantsAt = layout.scaleBytes(columns) / 2;
            for (int row = 0; row < rows; row++) {
                long at = (group * (long) GROUP + row) * weight.rowBytes() + dtype.byteSize(k);
                MemorySegment.copy(weight.data(), Layout.SHORT, at, in, 0, (int) (dtype.byteSize(columns) / 2));
                finite &= layout.pack(in, columns, row, piece, quantsAt);
            }
            int length = bytes(layout, columns) / 2;
            MemorySegment.copy(piece, 0, data, Layout.SHORT, to, length);
            to += 2L * length;
        }
        return finite;
    }

    @Override
    public void prepare(MatmulInput x, WorkerPool pool) {
        QuantizedInput input = QuantizedInput.pack(x, pool);
        if (x.rows() < MIN_BATCH) {
            input.order(layout.order());
        } else if (!layout.sumsInShorts()) {
            input.expand(pool);
        }
    }

    @Override
    public void multiply(MatmulInput x, int xRow, int xRows, float[] y, int yOffset, int yStride, int from, int to) {
        QuantizedInput input = x.packed(QuantizedInput.class);
        if (input == null) {
            throw new IllegalStateException("the input was not prepared");
        }
        if (x.rows() < MIN_BATCH) {
            for (int row = 0; row < xRows; row++) {
                multiplyRow(input, xRow + row, y, yOffset + row * yStride, from, to);
            }
        } else {
            Batch.multiply(this, input, xRow, xRows, y, yOffset, yStride, from, to);
        }
    }

    private void multiplyRow(QuantizedInput x, int token, float[] y, int yAt, int from, int to) {
        Piece piece = Piece.current();
        piece.data = data;
        piece.x = x;
        piece.which = 0;
        for (int group = from / GROUP; group * GROUP < to; group++) {
            multiplyGroup(piece, token, group);
            int begin = Math.max(from, group * GROUP);
            int end = Math.min(to, (group + 1) * GROUP);
            System.arraycopy(piece.result, begin - group * GROUP, y, yAt + begin, end - begin);
        }
    }

    private void multiplyGroup(Piece piece, int token, int group) {
        Arrays.fill(piece.result, 0);
        long at = (long) group * groupBytes;
        for (int k = 0; k < columns(); k += Layout.PIECE) {
            int columns = Math.min(Layout.PIECE, columns() - k);
            piece.columns = columns;
            piece.index = k / Layout.BLOCK * piece.x.stride() + token;
            piece.orderedAt = token * columns() + k;
            piece.scalesAt = at;
            piece.quantsAt = at + layout.scaleBytes(columns);
            for (Step step : rowSteps) {
                Step.call(step, piece);
            }
            at += bytes(layout, columns);
        }
    }

    Layout layout() {
        return layout;
    }

    MemorySegment data() {
        return data;
    }

    /** Byte offset of the piece of {@code columns} columns that begins with column {@code k}, a multiple of a piece. */
    long pieceAt(int group, int k) {
        return (long) group * groupBytes + (long) (k / Layout.PIECE) * bytes(layout, Layout.PIECE);
    }

    @Override
    public long repackedBytes() {
        return data.byteSize();
    }

    @Override
    public String description() {
        return "vector " + Lanes.F.vectorBitSize() + " bit " + dtype + ", " + GROUP
                + " rows interleaved, 8 bit activations";
    }
}
