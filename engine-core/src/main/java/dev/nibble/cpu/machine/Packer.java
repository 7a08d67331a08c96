package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Form.BLOCK;
import static dev.nibble.cpu.machine.Form.ROWS;
import static dev.nibble.cpu.machine.Quants.LINE;

import dev.nibble.cpu.WorkerPool;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Rearranges the weights of a matrix into a {@link Form}, some columns of a group of rows at a time, so that all of it stays
 * in the L1 cache. An instance has the buffers of a thread.
 */
final class Packer {
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    /** Columns of a piece: whole super-blocks. */
    private static final int COLUMNS = 512;

    private static final long ONES = 0x0101010101010101L;
    private static final long LOW = 0xffffffffL;

    private final Tensor weight;
    private final Form form;
    private final MemorySegment data;

    // of a piece
    private final byte[] in;
    private final long[] values;
    private final byte[] out;

    private Packer(Tensor weight, Form form, MemorySegment data) {
        this.weight = weight;
        this.form = form;
        this.data = data;
        int columns = (int) Math.min(weight.columns(), COLUMNS);
        in = new byte[(int) weight.dtype().byteSize(columns)];
        values = new long[columns / 8];
        out = new byte[(int) form.bytes(columns)];
    }

    /** Fills {@code data} with the groups of a matrix, one behind the other; rows that a group lacks are zeros. */
    static void pack(Tensor weight, Form form, MemorySegment data, WorkerPool pool) {
        int groups = Math.ceilDiv((int) weight.rows(), ROWS);
        @Nullable Packer[] packers = new Packer[pool.threads()];
        pool.forEach(groups, 1, (worker, from, to) -> {
            Packer packer = packers[worker];
            if (packer == null) {
                packer = new Packer(weight, form, data);
                packers[worker] = packer;
            }
            for (int group = from; group < to; group++) {
                packer.pack(group);
            }
        });
    }

    private void pack(int group) {
        int columns = (int) weight.columns();
        long firstRow = group * (long) ROWS;
        int rows = (int) Math.min(ROWS, weight.rows() - firstRow);
        if (rows < ROWS) {
            Arrays.fill(out, (byte) 0);
        }
        long groupAt = group * form.bytes(columns);
        for (int k = 0; k < columns; k += COLUMNS) {
            int count = Math.min(COLUMNS, columns - k);
            int bytes = (int) weight.dtype().byteSize(count);
            long at = firstRow * weight.rowBytes() + weight.dtype().byteSize(k);
            for (int row = 0; row < rows; row++) {
                MemorySegment.copy(weight.data(), ValueLayout.JAVA_BYTE, at + row * weight.rowBytes(), in, 0, bytes);
                form.reader().read(form, in, count, row, values, out);
                putQuants(row, count);
            }
            MemorySegment.copy(out, 0, data, ValueLayout.JAVA_BYTE, groupAt + form.bytes(k), (int) form.bytes(count));
        }
    }

    private void putQuants(int row, int columns) {
        Quants quants = form.quants();
        for (int block = 0; block < columns / BLOCK; block++) {
            int at = form.blockAt(block) + row * Integer.BYTES;
            int from = block * BLOCK / 8;
            switch (quants.low) {
                case 8 -> putBytes(from, at);
                case 4 -> putNibbles(from, at);
                default -> putPairs(from, at);
            }
            int high = at + quants.lowLines() * LINE;
            switch (quants.high) {
                case 1 -> putHighBit(from, quants.low, high);
                case 2 -> putHighPairs(from, high);
                default -> {}
            }
        }
    }

    // A value has the bytes of two parts: four columns each.

    private void putBytes(int from, int at) {
        for (int i = 0; i < 4; i++) {
            putLines(values[from + i], at + 2 * i * LINE);
        }
    }

    private void putNibbles(int from, int at) {
        for (int i = 0; i < 2; i++) {
            long low = values[from + i] & 15 * ONES;
            long high = values[from + 2 + i] & 15 * ONES;
            putLines(low | high << 4, at + 2 * i * LINE);
        }
    }

    private void putPairs(int from, int at) {
        for (int i = 0; i < 2; i++) {
            putFour(values[from + 2 * i] & 3 * ONES, values[from + 2 * i + 1] & 3 * ONES, at + i * LINE);
        }
    }

    private void putHighPairs(int from, int at) {
        for (int i = 0; i < 2; i++) {
            long first = values[from + 2 * i] >>> 4 & 3 * ONES;
            putFour(first, values[from + 2 * i + 1] >>> 4 & 3 * ONES, at + i * LINE);
        }
    }

    /** Four parts of two bits in a line. */
    private void putFour(long first, long second, int at) {
        long even = first | second << 4;
        INT.set(out, at, (int) (even | even >>> 32 << 2));
    }

    private void putHighBit(int from, int bit, int at) {
        long even = 0;
        for (int i = 0; i < 4; i++) {
            even |= (values[from + i] >>> bit & ONES) << 2 * i;
        }
        INT.set(out, at, (int) (even | even >>> 32 << 1));
    }

    private void putLines(long parts, int at) {
        INT.set(out, at, (int) (parts & LOW));
        INT.set(out, at + LINE, (int) (parts >>> 32));
    }
}
