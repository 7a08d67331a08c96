package dev.nibble.cpu.machine;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A weight matrix in a {@link Form}, multiplied by activations of 8 bits with machine code.
 *
 * <p>Few inputs read each weight once, in one stream. Some more pass one part after the other over the weights of some groups,
 * which stay in the cache: memory delivers them while the first part multiplies. For many, the weights of some groups are unpacked
 * into the cache first and used by all.
 */
final class MachineKernel extends GroupKernel {
    private final KernelCode code;

    /** Of an unpacked group. */
    private final long tileBytes;

    /** Groups unpacked together. */
    private final int unpacked;

    /** Groups over which several parts of the inputs pass. */
    private final int passed;

    private MachineKernel(Tensor weight, KernelCode code, @Nullable AmxProduct tiles, MemorySegment data) {
        super(weight, data, code.form().bytes((int) weight.columns()), tiles);
        this.code = code;
        tileBytes = blocks() * (long) code.form().tileShape().blockBytes();
        unpacked = Math.clamp(CACHED_BYTES / tileBytes, 1, MOST_GROUPS);
        passed = Math.clamp(CACHED_BYTES / code.form().bytes((int) weight.columns()), 1, MOST_GROUPS);
    }

    /** Rearranges a weight matrix. */
    static MachineKernel of(Tensor weight, KernelCode code, RepackMemory memory, WorkerPool pool) {
        return of(weight, code, null, memory, pool);
    }

    /** Likewise, to multiply many inputs with tiles unless {@code tiles} is null. */
    static MachineKernel of(
            Tensor weight, KernelCode code, @Nullable AmxCode tiles, RepackMemory memory, WorkerPool pool) {
        int columns = sizeOf(weight, weight.columns(), "columns");
        return new MachineKernel(
                weight,
                code,
                tiles == null ? null : new AmxProduct(tiles, columns, code.form()::bytes),
                copy(weight, code.form().bytes(columns), memory, data -> Packer.pack(weight, code, data, pool)));
    }

    private int blocks() {
        return columns() / Form.BLOCK;
    }

    @Override
    void prepareInput(MatmulInput x, WorkerPool pool) {
        InputMemory.prepare(x, Activations.class, Activations::new, pool);
    }

    @Override
    @Nullable InputMemory inputOf(MatmulInput x) {
        return x.packed(Activations.class);
    }

    @Override
    boolean rounds() {
        return true;
    }

    @Override
    int mostOfFew() {
        return code.mostOfFew();
    }

    /** Each number of few has code of its own; the tiles of many inputs are all among those of the first numbers of many. */
    @Override
    IntStream toCheck() {
        int many = code.mostOfPasses() + 1;
        return IntStream.concat(IntStream.rangeClosed(1, mostOfFew()), IntStream.range(many, many + code.mostOfTile()));
    }

    @Override
    int groupsFor(int inputs) {
        if (inputs <= mostOfFew()) {
            return MOST_GROUPS;
        }
        return inputs <= code.mostOfPasses() ? passed : unpacked;
    }

    @Override
    void multiplyGroups(
            InputMemory x, int xRow, int xRows, int group, int groups, MemorySegment results, Scratch scratch) {
        if (xRows <= code.mostOfPasses()) {
            multiplyFew(x, xRow, xRows, group, groups, results);
        } else {
            multiplyMany(x, xRow, xRows, group, groups, results, scratch);
        }
    }

    private void multiplyFew(InputMemory x, int xRow, int xRows, int group, int groups, MemorySegment results) {
        int count = Math.ceilDiv(xRows, mostOfFew());
        for (int pass = 0, row = 0; pass < count; pass++) {
            int inputs = (xRows - row) / (count - pass);
            long at = results.address() + row * resultBytes(groups);
            code.few(inputs).call(addressOf(group), x.address(xRow + row), x.stride(), groups, blocks(), at);
            row += inputs;
        }
    }

    private void multiplyMany(
            InputMemory x, int xRow, int xRows, int group, int groups, MemorySegment results, Scratch scratch) {
        long tiles = scratch.nativeTiles(groups * tileBytes).address();
        for (int i = 0; i < groups; i++) {
            code.unpack().call(addressOf(group + i), tiles + i * tileBytes, blocks(), 0, 0, 0);
        }
        long rowBytes = resultBytes(groups);
        int count = Math.ceilDiv(xRows, code.mostOfTile());
        for (int tile = 0, row = 0; tile < count; tile++) {
            int inputs = (xRows - row) / (count - tile);
            for (int i = 0; i < groups; i++) {
                long at = results.address() + row * rowBytes + i * (long) (Form.ROWS * Float.BYTES);
                code.tile(inputs)
                        .call(tiles + i * tileBytes, x.address(xRow + row), x.stride(), blocks(), at, rowBytes);
            }
            row += inputs;
        }
    }

    @Override
    public String description() {
        return "machine code " + KernelCode.emitter().name() + " " + code.form().dtype() + ", " + Form.ROWS
                + " rows interleaved, 8 bit activations" + ofTiles();
    }
}
