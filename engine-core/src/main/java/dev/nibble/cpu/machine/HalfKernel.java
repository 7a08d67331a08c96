package dev.nibble.cpu.machine;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.memory.Pages;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A weight matrix of floats, multiplied by activations as they are with machine code. */
final class HalfKernel extends GroupKernel {
    private final HalfCode code;
    private final DType dtype;

    /** Groups that many inputs pass. */
    private final int cached;

    private HalfKernel(Tensor weight, HalfCode code, @Nullable AmxProduct tiles, MemorySegment data) {
        super(weight, data, groupBytes(weight), tiles);
        this.code = code;
        dtype = weight.dtype();
        cached = Math.clamp(CACHED_BYTES / groupBytes(weight), 1, MOST_GROUPS);
    }

    private static long groupBytes(Tensor weight) {
        return Math.ceilDiv(weight.columns(), HalfEmitter.STEP)
                * HalfEmitter.STEP
                * HalfEmitter.columnBytes(weight.dtype());
    }

    /** Rearranges a weight matrix. */
    static HalfKernel of(Tensor weight, HalfCode code, RepackMemory memory, WorkerPool pool) {
        return of(weight, code, null, memory, pool);
    }

    /** Likewise, to multiply many inputs with tiles unless {@code tiles} is null. */
    static HalfKernel of(Tensor weight, HalfCode code, @Nullable AmxCode tiles, RepackMemory memory, WorkerPool pool) {
        int columns = sizeOf(weight, weight.columns(), "columns");
        long columnBytes = HalfEmitter.columnBytes(weight.dtype());
        return new HalfKernel(
                weight,
                code,
                tiles == null ? null : new AmxProduct(tiles, columns, column -> column * columnBytes),
                copy(weight, groupBytes(weight), memory, data -> pack(weight, code, data, pool)));
    }

    private static void pack(Tensor weight, HalfCode code, MemorySegment data, WorkerPool pool) {
        long groupBytes = groupBytes(weight);
        long rowBytes = weight.rowBytes();
        MachineCode pack = code.pack();
        pool.forEach((int) (data.byteSize() / groupBytes), Packer.groupsOfChunk(groupBytes), (worker, from, to) -> {
            MemorySegment groups = data.asSlice(from * groupBytes, (to - from) * groupBytes);
            Pages.populate(groups);
            if (weight.columns() % HalfEmitter.STEP != 0) {
                groups.fill((byte) 0); // of columns that the last turn lacks
            }
            for (int group = from; group < to; group++) {
                MemorySegment rows = Packer.stage(weight, group, pool.scratch(worker));
                long at = group * groupBytes;
                if (pack == null) {
                    pack(rows, weight, data, at);
                } else {
                    pack.call(rows.address(), data.address() + at, rowBytes, rowBytes / Integer.BYTES, 0, 0);
                }
            }
        });
    }

    /** Puts 16 rows, one behind the other, side by side: what {@link HalfEmitter#pack} does. */
    private static void pack(MemorySegment rows, Tensor weight, MemorySegment data, long to) {
        int bytes = weight.dtype().blockBytes();
        boolean areFloats = weight.dtype() == DType.F32;
        long at = to;
        for (long from = 0; from < weight.rowBytes(); from += bytes) {
            for (int row = 0; row < Form.ROWS; row++, at += bytes) {
                long value = from + row * weight.rowBytes();
                if (areFloats) {
                    data.set(ValueLayout.JAVA_INT_UNALIGNED, at, rows.get(ValueLayout.JAVA_INT_UNALIGNED, value));
                } else {
                    data.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, rows.get(ValueLayout.JAVA_SHORT_UNALIGNED, value));
                }
            }
        }
    }

    @Override
    void prepareInput(MatmulInput x, WorkerPool pool) {
        InputMemory.prepare(x, FloatRows.class, FloatRows::new, pool);
    }

    @Override
    @Nullable InputMemory inputOf(MatmulInput x) {
        return x.packed(FloatRows.class);
    }

    @Override
    boolean rounds() {
        return false;
    }

    @Override
    int mostOfFew() {
        return code.mostInputs();
    }

    @Override
    IntStream toCheck() {
        return IntStream.rangeClosed(1, code.mostInputs());
    }

    @Override
    int groupsFor(int inputs) {
        return inputs <= mostOfFew() ? MOST_GROUPS : cached;
    }

    @Override
    void multiplyGroups(
            InputMemory x, int xRow, int xRows, int group, int groups, MemorySegment results, Scratch scratch) {
        int turns = Math.ceilDiv(columns(), HalfEmitter.STEP);
        int count = Math.ceilDiv(xRows, code.mostInputs());
        for (int tile = 0, row = 0; tile < count; tile++) {
            int inputs = (xRows - row) / (count - tile);
            long at = results.address() + row * resultBytes(groups);
            code.multiply(inputs).call(addressOf(group), x.address(xRow + row), x.stride(), groups, turns, at);
            row += inputs;
        }
    }

    @Override
    public String description() {
        return "machine code " + KernelCode.emitter().name() + " " + dtype + ", " + Form.ROWS + " rows interleaved"
                + ofTiles();
    }
}
