package dev.nibble.cpu.vector;

import static dev.nibble.cpu.vector.Lanes.broadcast;
import static dev.nibble.cpu.vector.Lanes.store16;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.quant.LevelReader;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.LongVector;

/** Types that look groups of weights up in a table: integer code reads the levels of a block, vectors scale them. */
final class LevelKernel extends RowKernel {
    private final LevelReader reader;

    LevelKernel(Tensor weight, LevelReader reader) {
        super(weight);
        this.reader = reader;
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch) {
        int bytes = dtype().blockBytes();
        byte[] block = scratch.block();
        long[] levels = scratch.levels();
        float[] scales = scratch.scales();
        for (int k = 0; k < count; k += LevelReader.BLOCK) {
            MemorySegment.copy(
                    data, ValueLayout.JAVA_BYTE, offset + (long) k / LevelReader.BLOCK * bytes, block, 0, bytes);
            reader.read(block, levels, scales);
            scale(levels, scales, out, outOffset + k);
        }
    }

    private static void scale(long[] levels, float[] scales, float[] out, int to) {
        for (int i = 0; i < LevelReader.BLOCK / 16; i++) {
            store16(
                    LongVector.fromArray(LongVector.SPECIES_128, levels, 2 * i).reinterpretAsBytes(),
                    broadcast(scales[i]),
                    out,
                    to + 16 * i);
        }
    }
}
