package dev.nibble.cpu.quant;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/** A type whose blocks hold many weights: what it has of its own is the layout of one block. */
abstract class PackedFormat extends BlockFormat {

    PackedFormat(DType dtype) {
        super(dtype);
    }

    @Override
    final void dequantizeBlocks(MemorySegment data, long offset, float[] out, int outOffset, int blocks) {
        long bytes = dtype().blockBytes();
        int size = dtype().blockSize();
        for (int b = 0; b < blocks; b++) {
            dequantizeBlock(data, offset + b * bytes, out, outOffset + b * size);
        }
    }

    /** The values of the block that starts at byte {@code block}, to {@code out} from index {@code o} on. */
    abstract void dequantizeBlock(MemorySegment data, long block, float[] out, int o);
}
