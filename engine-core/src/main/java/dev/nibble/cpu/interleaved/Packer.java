package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;

import dev.nibble.cpu.WorkerPool;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Rearranges the weights of a matrix: a piece of {@link #COLUMNS} columns of a group at a time, which stays in the L1
 * cache while its rows, which each touch all of it, are put in place. An instance has the buffers of a thread.
 */
final class Packer {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Columns of a piece, a multiple of a super-block; 16-bit words of 32 rows take 32 KB at 8 bits. */
    private static final int COLUMNS = Integer.getInteger("pc", 1024);

    private final Tensor weight;
    private final Layout layout;
    private final MemorySegment data;
    private final long groupBytes;
    private final byte[] in;
    private final long[] values;
    private final short[] out;
    private boolean finite = true;

    private Packer(Tensor weight, Layout layout, MemorySegment data) {
        this.weight = weight;
        this.layout = layout;
        this.data = data;
        int columns = (int) weight.columns();
        groupBytes = layout.bytes(columns);
        int piece = Math.min(columns, COLUMNS);
        in = new byte[(int) weight.dtype().byteSize(piece)];
        values = new long[piece / 8];
        out = new short[(int) layout.bytes(piece) / 2];
    }

    /**
     * Fills {@code data}.
     *
     * @return whether all scales are finite numbers
     */
    static boolean pack(Tensor weight, Layout layout, MemorySegment data, WorkerPool pool) {
        int groups = Math.ceilDiv((int) weight.rows(), GROUP);
        @Nullable Packer[] packers = new Packer[pool.threads()];
        pool.forEach(groups, 1, (worker, from, to) -> {
            Packer packer = packers[worker];
            if (packer == null) {
                packer = new Packer(weight, layout, data);
                packers[worker] = packer;
            }
            for (int group = from; group < to; group++) {
                packer.pack(group);
            }
        });
        return Arrays.stream(packers).allMatch(packer -> packer == null || packer.finite);
    }

    private void pack(int group) {
        int columns = (int) weight.columns();
        for (int k = 0; k < columns; k += COLUMNS) {
            pack(group, k, Math.min(COLUMNS, columns - k));
        }
    }

    private void pack(int group, int k, int columns) {
        long firstRow = group * (long) GROUP;
        int rows = (int) Math.min(GROUP, weight.rows() - firstRow);
        if (rows < GROUP) {
            Arrays.fill(out, (short) 0); // the lanes without a row
        }
        int bytes = (int) weight.dtype().byteSize(columns);
        long at = firstRow * weight.rowBytes() + weight.dtype().byteSize(k);
        for (int row = 0; row < rows; row++) {
            MemorySegment.copy(weight.data(), ValueLayout.JAVA_BYTE, at + row * weight.rowBytes(), in, 0, bytes);
            finite &= layout.pack(in, columns, values, row, out);
        }
        long to = group * groupBytes + layout.bytes(k);
        MemorySegment.copy(out, 0, data, SHORT, to, (int) (layout.bytes(columns) / 2));
    }
}
