package dev.nibble.cpu.quant;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;

/**
 * Two's complement integers of 8 to 64 bits, one class for the four types because files use them for tables, not for
 * weights. Read as the nearest float; not written.
 */
final class IntegerFormat extends BlockFormat {
    static final IntegerFormat I8 = new IntegerFormat(DType.I8);
    static final IntegerFormat I16 = new IntegerFormat(DType.I16);
    static final IntegerFormat I32 = new IntegerFormat(DType.I32);
    static final IntegerFormat I64 = new IntegerFormat(DType.I64);

    private final int bytes;

    private IntegerFormat(DType dtype) {
        super(dtype);
        this.bytes = dtype.blockBytes();
    }

    @Override
    void dequantizeBlocks(MemorySegment data, long offset, float[] out, int outOffset, int blocks) {
        for (int i = 0; i < blocks; i++) {
            long at = offset + (long) i * bytes;
            out[outOffset + i] = switch (bytes) {
                case 1 -> LittleEndian.i8(data, at);
                case 2 -> data.get(LittleEndian.SHORT, at);
                case 4 -> data.get(LittleEndian.INT, at);
                default -> data.get(LittleEndian.LONG, at);
            };
        }
    }

    @Override
    public boolean canQuantize() {
        return false;
    }
}
