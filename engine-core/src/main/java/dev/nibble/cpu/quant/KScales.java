package dev.nibble.cpu.quant;

import static dev.nibble.cpu.quant.LittleEndian.putByte;
import static dev.nibble.cpu.quant.LittleEndian.u8;

import java.lang.foreign.MemorySegment;

/**
 * The eight 6-bit scales and eight 6-bit minima that Q4_K and Q5_K pack into 12 bytes.
 *
 * <pre>
 * byte 0..3   high two bits of scale[j+4] : scale[j]         j = byte
 * byte 4..7   high two bits of min[j+4]   : min[j]           j = byte - 4
 * byte 8..11  low nibble of min[j+4] : low nibble of scale[j+4]   j = byte - 8
 * </pre>
 */
final class KScales {
    static final int BYTES = 12;
    static final int COUNT = 8;

    private KScales() {}

    /** Scale {@code j}, 0 to 63, of the 12 bytes at {@code offset}. */
    static int scale(MemorySegment data, long offset, int j) {
        return j < 4 ? u8(data, offset + j) & 63 : u8(data, offset + j + 4) & 0xF | u8(data, offset + j - 4) >> 6 << 4;
    }

    /** Minimum {@code j}, 0 to 63, of the 12 bytes at {@code offset}. */
    static int min(MemorySegment data, long offset, int j) {
        return j < 4 ? u8(data, offset + j + 4) & 63 : u8(data, offset + j + 4) >> 4 | u8(data, offset + j) >> 6 << 4;
    }

    /** Packs eight scales and eight minima, each 0 to 63. */
    static void put(MemorySegment out, long offset, int[] scales, int[] mins) {
        for (int j = 0; j < 4; j++) {
            putByte(out, offset + j, scales[j] | scales[j + 4] >> 4 << 6);
            putByte(out, offset + j + 4, mins[j] | mins[j + 4] >> 4 << 6);
            putByte(out, offset + j + 8, scales[j + 4] & 0xF | (mins[j + 4] & 0xF) << 4);
        }
    }
}
