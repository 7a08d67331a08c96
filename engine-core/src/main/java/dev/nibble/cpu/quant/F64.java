package dev.nibble.cpu.quant;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/** IEEE double precision, 64 bits per weight; read rounded to the nearest float. */
final class F64 extends BlockFormat {
    static final F64 INSTANCE = new F64();

    private F64() {
        super(DType.F64);
    }

    @Override
    void dequantizeBlocks(MemorySegment data, long offset, float[] out, int outOffset, int blocks) {
        for (int i = 0; i < blocks; i++) {
            out[outOffset + i] = (float) data.get(LittleEndian.DOUBLE, offset + 8L * i);
        }
    }

    @Override
    void quantizeBlocks(float[] in, int inOffset, int blocks, MemorySegment out, long offset) {
        for (int i = 0; i < blocks; i++) {
            out.set(LittleEndian.DOUBLE, offset + 8L * i, in[inOffset + i]);
        }
    }
}
