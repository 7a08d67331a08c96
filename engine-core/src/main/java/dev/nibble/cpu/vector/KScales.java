package dev.nibble.cpu.vector;

import java.lang.foreign.MemorySegment;

/**
 * The scales and minima of the 8 sub-blocks of Q4_K and Q5_K, 6 bits each in 12 bytes: of the first four the low 6 bits
 * of the bytes 0-3 and 4-7; of the last four the nibbles of the bytes 8-11, and the high 2 bits of the bytes 0-7.
 */
final class KScales {
    private static final int SIX_BITS = 0x3f3f3f3f;
    private static final int NIBBLES = 0x0f0f0f0f;
    private static final int HIGH_BITS = 0x30303030;

    private KScales() {}

    /** scales[j] = d · scale j, scales[8 + j] = dmin · minimum j. */
    static void load(MemorySegment data, long at, float d, float dmin, float[] scales) {
        int a = data.get(Lanes.INT, at);
        int b = data.get(Lanes.INT, at + 4);
        int c = data.get(Lanes.INT, at + 8);
        long scale = join(a & SIX_BITS, c & NIBBLES | a >>> 2 & HIGH_BITS);
        long minimum = join(b & SIX_BITS, c >>> 4 & NIBBLES | b >>> 2 & HIGH_BITS);
        Lanes.store8And8(Lanes.bytes(scale, minimum), d, dmin, scales, 0);
    }

    private static long join(int low, int high) {
        return low | (long) high << 32;
    }
}
