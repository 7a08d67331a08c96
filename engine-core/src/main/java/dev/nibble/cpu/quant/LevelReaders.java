package dev.nibble.cpu.quant;

import dev.nibble.tensor.DType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads the levels of the IQ and TQ types, 8 at a time in a long. What the fields of a block mean is told by the classes of
 * {@code dev.nibble.cpu.quant} that are named after the types.
 *
 * <p>A set bit of a byte of signs makes a level negative: {@code (level ^ 0xff) + 1}, in all bytes of a long at once, as no
 * level of a type with signs is 0 and no sum is carried.
 */
public final class LevelReaders {
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final long ONES = 0x0101010101010101L;
    private static final long HIGH_BITS = 0x8080808080808080L;
    private static final long EVEN_BYTES = 0x00ff00ff00ff00ffL;

    /** The bytes that 8 signs make negative. */
    private static final long[] NEGATIVE = negative(256);

    /** The same of 7 signs, see {@link IqGrids#signs}. */
    private static final long[] NEGATIVE_OF_SEVEN = negative(128);

    private LevelReaders() {}

    /** That of a type, null if it has none. */
    public static @Nullable LevelReader of(DType dtype) {
        return switch (dtype) {
            case IQ1_S -> LevelReaders::iq1s;
            case IQ1_M -> LevelReaders::iq1m;
            case IQ2_XXS -> LevelReaders::iq2xxs;
            case IQ2_XS -> LevelReaders::iq2xs;
            case IQ2_S -> LevelReaders::iq2s;
            case IQ3_XXS -> LevelReaders::iq3xxs;
            case IQ3_S -> LevelReaders::iq3s;
            case TQ1_0 -> LevelReaders::tq1;
            case TQ2_0 -> LevelReaders::tq2;
            default -> null;
        };
    }

    /** What the scales of a block of such a type are odd multiples of, by 1 to 31. */
    public static float unit(DType dtype, byte[] block) {
        return switch (dtype) {
            case IQ2_XXS, IQ2_XS, IQ2_S, IQ1_S -> half(block, 0) * 0.125f;
            case IQ3_XXS -> half(block, 0) * 0.25f;
            case IQ3_S -> half(block, 0);
            case IQ1_M -> iq1mUnit(i64(block, 48));
            case TQ1_0 -> half(block, 52);
            case TQ2_0 -> half(block, 64);
            default -> throw new IllegalArgumentException(dtype + " has no levels");
        };
    }

    // each a class of its own, so that a table is made when its type is met

    private static final class Iq2Xxs {
        static final long[] POINTS = points(IqGrids.iq2xxs(), 1, 0);
    }

    private static final class Iq2Xs {
        static final long[] POINTS = points(IqGrids.iq2xs(), 1, 0);
    }

    private static final class Iq2S {
        static final long[] POINTS = points(IqGrids.iq2s(), 1, 0);
    }

    private static final class Iq3Xxs {
        static final int[] POINTS = halfPoints(IqGrids.iq3xxs());
    }

    private static final class Iq3S {
        static final int[] POINTS = halfPoints(IqGrids.iq3s());
    }

    /** Eighths: the points of the grid are whole, and shifted by an eighth. */
    private static final class Iq1 {
        static final long[] UP = points(IqGrids.iq1(), 8, 1);
        static final long[] DOWN = points(IqGrids.iq1(), 8, -1);
    }

    /** Points of 8 coordinates, {@code factor · coordinate + shift}. */
    private static long[] points(byte[] grid, int factor, int shift) {
        long[] points = new long[grid.length / 8];
        for (int i = 0; i < grid.length; i++) {
            points[i / 8] |= (factor * grid[i] + shift & 0xffL) << 8 * (i % 8);
        }
        return points;
    }

    /** Points of 4 coordinates. */
    private static int[] halfPoints(byte[] grid) {
        int[] points = new int[grid.length / 4];
        for (int i = 0; i < grid.length; i++) {
            points[i / 4] |= grid[i] << 8 * (i % 4);
        }
        return points;
    }

    private static long[] negative(int count) {
        long[] masks = new long[count];
        for (int i = 0; i < count; i++) {
            int signs = count == 128 ? IqGrids.signs(i) : i;
            for (int j = 0; j < 8; j++) {
                masks[i] |= (signs >> j & 1) * 0xffL << 8 * j;
            }
        }
        return masks;
    }

    private static long negate(long levels, long negative) {
        return (levels ^ negative) + (negative & ONES);
    }

    private static int u8(byte[] block, int at) {
        return block[at] & 0xff;
    }

    private static int u16(byte[] block, int at) {
        return (short) SHORT.get(block, at) & 0xffff;
    }

    private static int i32(byte[] block, int at) {
        return (int) INT.get(block, at);
    }

    private static long i64(byte[] block, int at) {
        return (long) LONG.get(block, at);
    }

    private static float half(byte[] block, int at) {
        return Float.float16ToFloat((short) SHORT.get(block, at));
    }

    /** Byte i of a long. */
    private static int u8(long bytes, int i) {
        return (int) (bytes >>> 8 * i) & 0xff;
    }

    private static void iq2xxs(byte[] block, long[] levels, float[] scales) {
        float d = half(block, 0);
        for (int s = 0; s < 8; s++) {
            long qs = i64(block, 2 + 8 * s);
            int bits = (int) (qs >>> 32);
            scales[2 * s] = d * (0.5f + (bits >>> 28)) * 0.25f;
            scales[2 * s + 1] = scales[2 * s];
            for (int g = 0; g < 4; g++) {
                levels[4 * s + g] = negate(Iq2Xxs.POINTS[u8(qs, g)], NEGATIVE_OF_SEVEN[bits >>> 7 * g & 127]);
            }
        }
    }

    private static void iq2xs(byte[] block, long[] levels, float[] scales) {
        scalesOfSixteen(block, 66, scales);
        for (int g = 0; g < 32; g++) {
            int q = u16(block, 2 + 2 * g);
            levels[g] = negate(Iq2Xs.POINTS[q & 511], NEGATIVE_OF_SEVEN[q >>> 9]);
        }
    }

    private static void iq2s(byte[] block, long[] levels, float[] scales) {
        scalesOfSixteen(block, 74, scales);
        for (int g = 0; g < 32; g++) {
            int index = u8(block, 2 + g) | (u8(block, 66 + g / 4) >> 2 * (g % 4) & 3) << 8;
            levels[g] = negate(Iq2S.POINTS[index], NEGATIVE[u8(block, 34 + g)]);
        }
    }

    /** Of IQ2_XS and IQ2_S: 4 bits each. */
    private static void scalesOfSixteen(byte[] block, int at, float[] scales) {
        float d = half(block, 0);
        long nibbles = i64(block, at);
        for (int i = 0; i < 16; i++) {
            scales[i] = d * (0.5f + (nibbles >>> 4 * i & 15)) * 0.25f;
        }
    }

    private static void iq3xxs(byte[] block, long[] levels, float[] scales) {
        float d = half(block, 0);
        for (int s = 0; s < 8; s++) {
            int bits = i32(block, 66 + 4 * s);
            long qs = i64(block, 2 + 8 * s);
            scales[2 * s] = d * (0.5f + (bits >>> 28)) * 0.5f;
            scales[2 * s + 1] = scales[2 * s];
            for (int g = 0; g < 4; g++) {
                long points = pair(Iq3Xxs.POINTS[u8(qs, 2 * g)], Iq3Xxs.POINTS[u8(qs, 2 * g + 1)]);
                levels[4 * s + g] = negate(points, NEGATIVE_OF_SEVEN[bits >>> 7 * g & 127]);
            }
        }
    }

    private static void iq3s(byte[] block, long[] levels, float[] scales) {
        float d = half(block, 0);
        int nibbles = i32(block, 106);
        for (int s = 0; s < 8; s++) {
            long qs = i64(block, 2 + 8 * s);
            int ninths = u8(block, 66 + s);
            int signs = i32(block, 74 + 4 * s);
            scales[2 * s] = d * (1 + 2 * (nibbles >>> 4 * s & 15));
            scales[2 * s + 1] = scales[2 * s];
            for (int g = 0; g < 4; g++) {
                int first = u8(qs, 2 * g) | (ninths >> 2 * g & 1) << 8;
                int second = u8(qs, 2 * g + 1) | (ninths >> 2 * g + 1 & 1) << 8;
                long points = pair(Iq3S.POINTS[first], Iq3S.POINTS[second]);
                levels[4 * s + g] = negate(points, NEGATIVE[signs >>> 8 * g & 255]);
            }
        }
    }

    private static long pair(int first, int second) {
        return first & 0xffffffffL | (long) second << 32;
    }

    private static void iq1s(byte[] block, long[] levels, float[] scales) {
        float d = half(block, 0);
        for (int s = 0; s < 8; s++) {
            int qh = u16(block, 34 + 2 * s);
            long[] points = (qh & 0x8000) == 0 ? Iq1.UP : Iq1.DOWN;
            scales[2 * s] = d * (2 * (qh >> 12 & 7) + 1) * 0.125f;
            scales[2 * s + 1] = scales[2 * s];
            for (int g = 0; g < 4; g++) {
                levels[4 * s + g] = points[u8(block, 2 + 4 * s + g) | (qh >> 3 * g & 7) << 8];
            }
        }
    }

    private static void iq1m(byte[] block, long[] levels, float[] scales) {
        long bits = i64(block, 48);
        float scale = iq1mUnit(bits);
        for (int i = 0; i < 16; i++) {
            scales[i] = scale * (2 * (bits >>> 16 * (i / 4) + 3 * (i % 4) & 7) + 1);
        }
        for (int g = 0; g < 32; g++) {
            int qh = u8(block, 32 + g / 2) >> 4 * (g % 2);
            long[] points = (qh & 8) == 0 ? Iq1.UP : Iq1.DOWN;
            levels[g] = points[u8(block, g) | (qh & 7) << 8];
        }
    }

    private static float iq1mUnit(long bits) {
        // the highest 4 bits of each 16 are those of d
        int d = (int) (bits >>> 12 & 15 | bits >>> 24 & 0xf0 | bits >>> 36 & 0xf00 | bits >>> 48 & 0xf000);
        return Float.float16ToFloat((short) d) * 0.125f;
    }

    private static void tq2(byte[] block, long[] levels, float[] scales) {
        Arrays.fill(scales, 0, 16, half(block, 64));
        for (int i = 0; i < 8; i++) {
            long q = i64(block, 8 * i);
            for (int s = 0; s < 4; s++) {
                levels[16 * (i / 4) + 4 * s + i % 4] = minusOne(q >>> 2 * s & 3 * ONES);
            }
        }
    }

    private static void tq1(byte[] block, long[] levels, float[] scales) {
        Arrays.fill(scales, 0, 16, half(block, 52));
        int power = 1;
        for (int n = 0; n < 5; n++, power *= 3) {
            for (int i = 0; i < 4; i++) {
                levels[4 * n + i] = trits(i64(block, 8 * i), power);
            }
            for (int i = 0; i < 2; i++) {
                levels[20 + 2 * n + i] = trits(i64(block, 32 + 8 * i), power);
            }
        }
        long last = i32(block, 48) & 0xffffffffL;
        levels[30] = trits(last, 1) & 0xffffffffL | trits(last, 3) << 32;
        levels[31] = trits(last, 9) & 0xffffffffL | trits(last, 27) << 32;
    }

    /** The trits on top of bytes times a power of 3, as -1 to 1. */
    private static long trits(long bytes, int power) {
        long even = (bytes & EVEN_BYTES) * power & EVEN_BYTES;
        long odd = (bytes >>> 8 & EVEN_BYTES) * power & EVEN_BYTES;
        return minusOne(even * 3 >>> 8 & 3 * ONES & EVEN_BYTES | (odd * 3 & (3 * ONES & EVEN_BYTES) << 8));
    }

    /** Takes 1 off each byte, none of which is above 127. */
    private static long minusOne(long bytes) {
        return (bytes | HIGH_BITS) - ONES ^ HIGH_BITS;
    }
}
