package dev.nibble.cpu.vector;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.quant.BlockFormat;
import dev.nibble.tensor.Tensor;

/** Any type: rows are dequantized by the format's scalar code, sums are on vectors. */
final class GenericKernel extends RowKernel {
    private final BlockFormat format;

    GenericKernel(Tensor weight) {
        super(weight);
        format = BlockFormat.of(weight.dtype());
    }

    @Override
    void dequantize(long offset, float[] out, int outOffset, int count, Scratch scratch) {
        format.dequantize(data, offset, out, outOffset, count);
    }

    @Override
    public String description() {
        return super.description() + ", scalar dequantization";
    }
}
