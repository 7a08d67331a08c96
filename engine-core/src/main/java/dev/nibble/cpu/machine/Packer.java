package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Form.BLOCK;
import static dev.nibble.cpu.machine.Form.ROWS;
import static dev.nibble.cpu.machine.Quants.LINE;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.quant.QuantReader;
import dev.nibble.memory.Pages;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Rearranges the weights of a matrix into a {@link Form}, a group of rows at a time. Java code reads the scales, and the quants
 * of types that have no {@link Source}; machine code the others', where there is such. An instance has the buffers of a worker.
 */
final class Packer {
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    /** Of the copy, made by a thread at a time: pages that are provided together, and still in the cache when written to. */
    private static final long CHUNK_BYTES = 256 << 10;

    private static final long ONES = 0x0101010101010101L;
    private static final long LOW = 0xffffffffL;

    private final Tensor weight;
    private final KernelCode code;
    private final Form form;
    private final MemorySegment data;
    private final Scratch scratch;
    private final @Nullable SourcePacker sourcePacker; // where no machine code reads a source

    // of a group
    private final byte[] in; // a row
    private final byte[] scales;
    private final long[] values; // of a row, where Java code reads them
    private final byte[] quants;

    private Packer(Tensor weight, KernelCode code, MemorySegment data, Scratch scratch) {
        this.weight = weight;
        this.code = code;
        this.data = data;
        this.scratch = scratch;
        form = code.form();
        int columns = (int) weight.columns();
        in = new byte[(int) weight.rowBytes()];
        scales = new byte[form.scaleBytes(columns)];
        Source source = form.source();
        sourcePacker = source == null || code.packs() ? null : new SourcePacker(form, source);
        values = new long[source == null ? columns / 8 : 0];
        quants = new byte[code.packs() ? 0 : columns / BLOCK * form.quants().bytes()];
    }

    /** Fills {@code data} with the groups of a matrix, one behind the other; rows that a group lacks are zeros. */
    static void pack(Tensor weight, KernelCode code, MemorySegment data, WorkerPool pool) {
        int groups = Math.ceilDiv((int) weight.rows(), ROWS);
        @Nullable Packer[] packers = new Packer[pool.threads()];
        long groupBytes = code.form().bytes((int) weight.columns());
        pool.forEach(groups, groupsOfChunk(groupBytes), (worker, from, to) -> {
            Packer packer = packers[worker];
            if (packer == null) {
                packer = new Packer(weight, code, data, pool.scratch(worker));
                packers[worker] = packer;
            }
            Pages.populate(data.asSlice(from * groupBytes, (to - from) * groupBytes));
            for (int group = from; group < to; group++) {
                packer.pack(group);
            }
        });
    }

    /** Groups whose copy a thread makes at a time. */
    static int groupsOfChunk(long groupBytes) {
        return (int) Math.ceilDiv(CHUNK_BYTES, groupBytes);
    }

    /**
     * The rows of a group, one behind the other, in memory of a worker; zeros for those that it lacks. This copy is what makes
     * reading them safe, see {@link MachineKernelFamily}.
     */
    static MemorySegment stage(Tensor weight, int group, Scratch scratch) {
        long firstRow = group * (long) ROWS;
        long rows = Math.min(ROWS, weight.rows() - firstRow);
        MemorySegment staged = scratch.nativeInput(ROWS * weight.rowBytes());
        if (rows < ROWS) {
            staged.fill((byte) 0);
        }
        MemorySegment.copy(weight.data(), firstRow * weight.rowBytes(), staged, 0, rows * weight.rowBytes());
        return staged;
    }

    private void pack(int group) {
        int columns = (int) weight.columns();
        long rowBytes = weight.rowBytes();
        long firstRow = group * (long) ROWS;
        int rows = (int) Math.min(ROWS, weight.rows() - firstRow);
        if (rows < ROWS) {
            Arrays.fill(scales, (byte) 0);
            Arrays.fill(quants, (byte) 0);
        }
        QuantReader reader = form.quantReader();
        for (int row = 0; row < rows; row++) {
            MemorySegment.copy(weight.data(), ValueLayout.JAVA_BYTE, (firstRow + row) * rowBytes, in, 0, in.length);
            form.scaleReader().read(form, in, columns, row, scales);
            if (reader != null) {
                reader.read(in, columns, values);
                putQuants(row, columns);
            } else if (sourcePacker != null) {
                sourcePacker.pack(in, columns, row, quants);
            }
        }
        for (int row = rows; row < ROWS && sourcePacker != null; row++) {
            Arrays.fill(in, (byte) 0); // what stands for zeros there
            sourcePacker.pack(in, columns, row, quants);
        }
        long groupAt = group * form.bytes(columns);
        if (!code.packs()) {
            merge(groupAt, columns);
            return;
        }
        MemorySegment staged = stage(weight, group, scratch);
        MemorySegment stagedScales = scratch.nativeResults(scales.length);
        MemorySegment.copy(scales, 0, stagedScales, ValueLayout.JAVA_BYTE, 0, scales.length);
        code.pack(staged.address(), data.address() + groupAt, rowBytes, columns, stagedScales.address());
    }

    /** Puts quants and scales together. */
    private void merge(long groupAt, int columns) {
        int quantBytes = form.quants().bytes();
        for (int block = 0; block < columns / BLOCK; block++) {
            if (form.hasSuperBlocks() && block % Form.SUPER_BLOCKS == 0) {
                long to = groupAt + form.blockAt(block) - form.scales().superBytes;
                copy(scales, form.superAt(block / Form.SUPER_BLOCKS), to, form.scales().superBytes);
            }
            long to = groupAt + form.blockAt(block);
            copy(quants, block * quantBytes, to, quantBytes);
            copy(scales, form.scalesAt(block), to + quantBytes, form.scales().blockBytes);
        }
    }

    private void copy(byte[] from, int at, long to, int bytes) {
        MemorySegment.copy(from, at, data, ValueLayout.JAVA_BYTE, to, bytes);
    }

    private void putQuants(int row, int columns) {
        Quants kind = form.quants();
        for (int block = 0; block < columns / BLOCK; block++) {
            int at = block * kind.bytes() + row * Integer.BYTES;
            int from = block * BLOCK / 8;
            if (kind.low == 4) {
                putNibbles(from, at);
            } else {
                putPairs(from, at);
            }
            if (kind.high == 1) {
                putHighBit(from, kind.low, at + kind.lowLines() * LINE);
            }
        }
    }

    // A value has the bytes of two parts: four columns each.

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

    /** Four parts of two bits in a line. */
    private void putFour(long first, long second, int at) {
        long even = first | second << 4;
        INT.set(quants, at, (int) (even | even >>> 32 << 2));
    }

    private void putHighBit(int from, int bit, int at) {
        long even = 0;
        for (int i = 0; i < 4; i++) {
            even |= (values[from + i] >>> bit & ONES) << 2 * i;
        }
        INT.set(quants, at, (int) (even | even >>> 32 << 1));
    }

    private void putLines(long parts, int at) {
        INT.set(quants, at, (int) (parts & LOW));
        INT.set(quants, at + LINE, (int) (parts >>> 32));
    }
}
