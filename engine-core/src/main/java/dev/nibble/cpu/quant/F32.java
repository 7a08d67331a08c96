package dev.nibble.cpu.quant;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/** IEEE single precision, 32 bits per weight; stored and read unchanged, NaN payloads included. */
final class F32 extends BlockFormat {
    static final F32 INSTANCE = new F32();

    private F32() {
        super(DType.F32);
    }

    @Override
    void dequantizeBlocks(MemorySegment data, long offset, float[] out, int outOffset, int blocks) {
        MemorySegment.copy(data, LittleEndian.FLOAT, offset, out, outOffset, blocks);
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {
        MemorySegment.copy(in, inOffset, out, LittleEndian.FLOAT, offset, blocks);
    }
}
