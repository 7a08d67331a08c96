package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.LANES;

import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Rearranges the weights of a matrix, a piece of {@link #COLUMNS} columns of a group at a time, so that all of it stays in
 * the L1 cache: the words of each row one after the other first, which are then transposed four rows by four words at a
 * time, in longs. An instance has the buffers of a thread.
 */
final class Packer {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Of the layout of any type; to be raised when one changes, because copies are kept in files. */
    static final int VERSION = 3;

    /** Columns of a piece, a multiple of a super-block. */
    private static final int COLUMNS = 512;

    /** Of four words, the first and the third. */
    private static final long EVEN = 0x0000ffff0000ffffL;

    private static final long LOW = 0xffffffffL;

    /** Longs of a unit, and of a part of it. */
    private static final int UNIT = GROUP / 4;

    private static final int PART = LANES / 4;

    private final Tensor weight;
    private final GroupLayout layout;
    private final MemorySegment data;
    private final int units;
    private final int blockLongs;

    // of a piece
    private final byte[] in;
    private final long[] values;
    private final long[] words; // [GROUP, blocks, blockLongs]
    private final short[] heads; // as in the group, which has quants between
    private final long[] out;

    private boolean finite = true;

    private Packer(Tensor weight, GroupLayout layout, MemorySegment data) {
        this.weight = weight;
        this.layout = layout;
        this.data = data;
        units = layout.quants().blockUnits();
        blockLongs = Math.ceilDiv(units, 4);
        int columns = (int) Math.min(weight.columns(), COLUMNS);
        in = new byte[(int) weight.dtype().byteSize(columns)];
        values = new long[columns / 8];
        words = new long[GROUP * columns / GroupLayout.BLOCK * blockLongs];
        heads = new short[(int) layout.bytes(columns) / 2];
        out = new long[(int) layout.bytes(columns) / 8];
    }

    /**
     * Fills {@code data}.
     *
     * @return whether all scales are finite numbers
     */
    static boolean pack(Tensor weight, GroupLayout layout, MemorySegment data, WorkerPool pool) {
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
            int count = Math.min(COLUMNS, columns - k);
            readRows(group, k, count);
            for (int quad = 0; quad < UNIT; quad++) {
                transpose(quad, count / GroupLayout.BLOCK);
            }
            for (int block = 0; block < count / GroupLayout.BLOCK; block++) {
                copyHead(layout.headAt(block), layout.headUnits());
            }
            for (int block = 0; block < count / GroupLayout.SUPER_BLOCK; block++) {
                copyHead(layout.superAt(block), layout.superUnits());
            }
            for (int i = 0; i < count; i += GroupLayout.PIECE) {
                int length = (int) layout.bytes(Math.min(GroupLayout.PIECE, count - i)) / 8;
                long to = InterleavedKernel.offsetOf(layout, (int) weight.rows(), columns, group, k + i);
                MemorySegment.copy(out, (int) layout.bytes(i) / 8, data, LONG, to, length);
            }
        }
    }

    private void readRows(int group, int k, int columns) {
        long firstRow = group * (long) GROUP;
        int rows = (int) Math.min(GROUP, weight.rows() - firstRow);
        if (rows < GROUP) {
            Arrays.fill(words, 0);
            Arrays.fill(heads, (short) 0);
        }
        int bytes = (int) weight.dtype().byteSize(columns);
        int rowLongs = columns / GroupLayout.BLOCK * blockLongs;
        long at = firstRow * weight.rowBytes() + weight.dtype().byteSize(k);
        for (int row = 0; row < rows; row++) {
            MemorySegment.copy(weight.data(), ValueLayout.JAVA_BYTE, at + row * weight.rowBytes(), in, 0, bytes);
            layout.readQuants(in, columns, values);
            RowWords.put(units, values, columns / 8, words, row * rowLongs);
            finite &= layout.packScales(in, columns, row, heads);
        }
    }

    /** Four rows that lie side by side, see {@link Shorts#lane}. */
    private void transpose(int quad, int blocks) {
        int rowLongs = blocks * blockLongs;
        int first = (quad / PART * LANES + quad % PART * 2) * rowLongs;
        int second = first + HALF * rowLongs;
        for (int block = 0; block < blocks; block++) {
            int from = block * blockLongs;
            transpose(words, first + from, second + from, rowLongs, units, out, layout.quantsAt(block) / 8 + quad);
        }
    }

    private static void transpose(long[] in, int first, int second, int rowLongs, int units, long[] out, int to) {
        for (int unit = 0, i = 0; unit < units; unit += 4, i++) {
            long a = in[first + i];
            long b = in[second + i];
            long c = in[first + rowLongs + i];
            long d = in[second + rowLongs + i];
            long evenAb = a & EVEN | (b & EVEN) << 16;
            long evenCd = c & EVEN | (d & EVEN) << 16;
            long oddAb = a >>> 16 & EVEN | b & ~EVEN;
            long oddCd = c >>> 16 & EVEN | d & ~EVEN;
            int at = to + unit * UNIT;
            out[at] = evenAb & LOW | evenCd << 32;
            out[at + UNIT] = oddAb & LOW | oddCd << 32;
            if (unit + 2 < units) {
                out[at + 2 * UNIT] = evenAb >>> 32 | evenCd & ~LOW;
                out[at + 3 * UNIT] = oddAb >>> 32 | oddCd & ~LOW;
            }
        }
    }

    /** Copies units of heads, which {@code packScales} has put in place. */
    private void copyHead(int headAt, int headUnits) {
        for (int i = headAt / 8; i < headAt / 8 + headUnits * UNIT; i++) {
            out[i] = heads[4 * i] & 0xffffL
                    | (heads[4 * i + 1] & 0xffffL) << 16
                    | (heads[4 * i + 2] & 0xffffL) << 32
                    | (long) heads[4 * i + 3] << 48;
        }
    }
}
