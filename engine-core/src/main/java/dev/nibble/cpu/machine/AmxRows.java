package dev.nibble.cpu.machine;

import dev.nibble.cpu.pool.Scratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Input rows rounded to bfloat16: 16 of them are tiles of 32 columns each. */
final class AmxRows extends InputMemory {
    @Override
    long rowBytes(int columns) {
        return columns * (long) Short.BYTES;
    }

    /** A last tile that lacks rows reads as many behind them; what it makes of those is not looked at. */
    @Override
    int spareRows() {
        return AmxEmitter.TILE_ROWS - 1;
    }

    @Override
    void write(float[] source, int offset, int columns, MemorySegment memory, long at, Scratch scratch) {
        short[] halves = scratch.halves(columns);
        for (int i = 0; i < columns; i++) {
            halves[i] = round(source[offset + i]);
        }
        MemorySegment.copy(halves, 0, memory, ValueLayout.JAVA_SHORT, at, columns);
    }

    /** The nearest, of two the even one. */
    static short round(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }
}
