package dev.nibble.cpu.machine;

import dev.nibble.cpu.MatmulInput;
import dev.nibble.cpu.MatmulKernel;
import dev.nibble.cpu.RepackMemory;
import dev.nibble.cpu.WorkerPool;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;

/**
 * A weight matrix in a {@link Form}, multiplied by activations of 8 bits with machine code.
 *
 * <p>Few inputs read each weight once, in one stream. For more, the weights of some groups are unpacked into the cache first
 * and used by all.
 */
final class MachineKernel extends MatmulKernel {
    /** Unpacked weights that a thread keeps: what fits beside the inputs of a tile in a second-level cache of 1 MiB. */
    private static final int UNPACKED_BYTES = 384 << 10;

    /** Groups multiplied with one call, and whose outputs are kept together. */
    private static final int CHUNK = 16;

    private final KernelCode code;
    private final Form form;
    private final MemorySegment data;
    private final long groupBytes;

    /** Of an unpacked group. */
    private final long tileBytes;

    /** Groups unpacked together. */
    private final int unpacked;

    private MachineKernel(Tensor weight, KernelCode code, MemorySegment data) {
        super(sizeOf(weight, weight.rows(), "rows"), sizeOf(weight, weight.columns(), "columns"));
        this.code = code;
        this.data = data;
        form = code.form();
        groupBytes = form.bytes(columns());
        tileBytes = blocks() * (long) form.tileShape().blockBytes();
        unpacked = Math.clamp(UNPACKED_BYTES / tileBytes, 1, CHUNK);
    }

    /** Rearranges a weight matrix. */
    static MachineKernel of(Tensor weight, KernelCode code, RepackMemory memory, WorkerPool pool) {
        int rows = sizeOf(weight, weight.rows(), "rows");
        int columns = sizeOf(weight, weight.columns(), "columns");
        MemorySegment data =
                memory.allocate(Math.ceilDiv(rows, Form.ROWS) * code.form().bytes(columns));
        Packer.pack(weight, code, data, pool);
        return new MachineKernel(weight, code, data);
    }

    private int blocks() {
        return columns() / Form.BLOCK;
    }

    @Override
    public void prepare(MatmulInput x, WorkerPool pool) {
        Activations.pack(x, pool);
    }

    @Override
    public void multiply(MatmulInput x, int xRow, int xRows, float[] y, int yOffset, int yStride, int from, int to) {
        Activations input = x.packed(Activations.class);
        if (input == null) {
            throw new IllegalStateException("the input was not prepared");
        }
        try {
            multiply(input, xRow, xRows, y, yOffset, yStride, from, to);
        } finally {
            Reference.reachabilityFence(data); // read by address
            Reference.reachabilityFence(input);
        }
    }

    private void multiply(
            Activations input, int xRow, int xRows, float[] y, int yOffset, int yStride, int from, int to) {
        boolean isFew = xRows <= code.mostOfFew();
        int step = isFew ? CHUNK : unpacked;
        MemorySegment results = ThreadMemory.current().results((long) xRows * step * Form.ROWS * Float.BYTES);
        int end = Math.ceilDiv(to, Form.ROWS);
        for (int group = from / Form.ROWS; group < end && xRows > 0; group += step) {
            int groups = Math.min(step, end - group);
            if (isFew) {
                multiplyFew(input, xRow, xRows, group, groups, results);
            } else {
                multiplyMany(input, xRow, xRows, group, groups, results);
            }
            int first = Math.max(from, group * Form.ROWS);
            int count = Math.min(to, (group + groups) * Form.ROWS) - first;
            long rowBytes = (long) groups * Form.ROWS * Float.BYTES;
            long at = (first - group * Form.ROWS) * (long) Float.BYTES;
            for (int row = 0; row < xRows; row++, at += rowBytes) {
                MemorySegment.copy(results, ValueLayout.JAVA_FLOAT, at, y, yOffset + row * yStride + first, count);
            }
        }
    }

    /** The outputs of some groups: [xRows, groups, 16]. */
    private void multiplyFew(Activations x, int xRow, int xRows, int group, int groups, MemorySegment results) {
        code.few(xRows).call(addressOf(group), x.address(xRow), x.stride(), groups, blocks(), results.address());
    }

    /** Likewise. */
    private void multiplyMany(Activations x, int xRow, int xRows, int group, int groups, MemorySegment results) {
        long tiles = ThreadMemory.current().tiles(groups * tileBytes).address();
        for (int i = 0; i < groups; i++) {
            code.unpack().call(addressOf(group + i), tiles + i * tileBytes, blocks(), 0, 0, 0);
        }
        long rowBytes = (long) groups * Form.ROWS * Float.BYTES;
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

    private long addressOf(int group) {
        return data.address() + group * groupBytes;
    }

    @Override
    public MemorySegment stream() {
        return data;
    }

    @Override
    public long streamOffset(int output) {
        return output / Form.ROWS * groupBytes;
    }

    @Override
    public long repackedBytes() {
        return data.byteSize();
    }

    @Override
    public String description() {
        return "machine code " + KernelCode.emitter().name() + " " + form.dtype() + ", " + Form.ROWS
                + " rows interleaved, 8 bit activations";
    }
}
