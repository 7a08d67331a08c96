package dev.nibble.cpu.quant;

import java.lang.foreign.MemorySegment;

/** What Q4_K and Q5_K share in writing a block: scales, minima and the level of each of its 256 weights. */
final class KQuantizer {
    private static final int SUB_BLOCK = 32;
    private static final int HIGHEST_SCALE = 63;

    private final int highest;
    private final AffineFit fit = new AffineFit(SUB_BLOCK);
    private final float[] scales = new float[KScales.COUNT];
    private final float[] mins = new float[KScales.COUNT];
    private final int[] scaleLevels = new int[KScales.COUNT];
    private final int[] minLevels = new int[KScales.COUNT];
    private final byte[] levels = new byte[KScales.COUNT * SUB_BLOCK];

    /** For weights of 0 to {@code highest}. */
    KQuantizer(int highest) {
        this.highest = highest;
    }

    /** The levels of the block last quantized. */
    byte[] levels() {
        return levels;
    }

    /** Quantizes 256 values and writes the fields at these offsets. */
    void quantize(float[] in, int inOffset, MemorySegment out, long dOffset, long dminOffset, long scalesOffset) {
        for (int s = 0; s < KScales.COUNT; s++) {
            fit.fit(in, inOffset + s * SUB_BLOCK, highest);
            scales[s] = fit.scale();
            mins[s] = fit.min();
        }
        float d = Rounding.storedHalf(Rounding.max(scales, 0, KScales.COUNT) / HIGHEST_SCALE, out, dOffset);
        float dmin = Rounding.storedHalf(Rounding.max(mins, 0, KScales.COUNT) / HIGHEST_SCALE, out, dminOffset);
        for (int s = 0; s < KScales.COUNT; s++) {
            scaleLevels[s] = Rounding.level(scales[s], d, 0, HIGHEST_SCALE);
            minLevels[s] = Rounding.level(mins[s], dmin, 0, HIGHEST_SCALE);
            float scale = d * scaleLevels[s];
            float min = dmin * minLevels[s];
            for (int l = 0; l < SUB_BLOCK; l++) {
                int at = s * SUB_BLOCK + l;
                levels[at] = (byte) Rounding.level(in[inOffset + at] + min, scale, 0, highest);
            }
        }
        KScales.put(out, scalesOffset, scaleLevels, minLevels);
    }
}
