package dev.nibble.testdata;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/**
 * Random weights of any tensor type without a quantizer: random bits, which every type reads as some values, and scales
 * that give the values the standard deviation that is asked for. Where a type has scales and minimums, they are set so
 * that the mean is about 0.
 */
public final class RandomBlocks {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private RandomBlocks() {}

    /**
     * Fills {@code out}, which holds whole blocks.
     *
     * @param deviation standard deviation of the values, about
     * @throws IllegalArgumentException for a type that holds no weights: integers, Q8_1, Q8_K, and removed types
     */
    public static void fill(DType dtype, float deviation, SplittableRandom random, MemorySegment out) {
        switch (dtype) {
            case F32 ->
                forEach(dtype, out, at -> out.set(INT, at, Float.floatToRawIntBits(uniform(random, deviation))));
            case F64 -> forEach(dtype, out, at -> out.set(DOUBLE, at, uniform(random, deviation)));
            case F16 -> forEach(dtype, out, at -> out.set(SHORT, at, Float.floatToFloat16(uniform(random, deviation))));
            case BF16 ->
                forEach(
                        dtype,
                        out,
                        at -> out.set(SHORT, at, (short) (Float.floatToRawIntBits(uniform(random, deviation)) >>> 16)));
            default -> {
                float unit = unitDeviation(dtype);
                fillBits(random, out);
                forEach(dtype, out, at -> {
                    // Scales differ from block to block, so that a kernel cannot confuse them unnoticed.
                    float scale = deviation / unit * (float) random.nextDouble(0.75, 1.25);
                    setScale(dtype, out, at, scale);
                });
            }
        }
    }

    /** Standard deviation of the values of random bits with a scale of 1, measured. */
    private static float unitDeviation(DType dtype) {
        return switch (dtype) {
            case Q4_0, Q4_1 -> 4.61f;
            case Q5_0, Q5_1 -> 9.23f;
            case Q8_0 -> 73.8f;
            case Q2_K -> 9.83f;
            case Q3_K -> 43.3f;
            case Q4_K -> 168;
            case Q5_K -> 336;
            case Q6_K -> 1368;
            case IQ2_XXS -> 53.2f;
            case IQ2_XS -> 55.7f;
            case IQ2_S -> 56.4f;
            case IQ3_XXS -> 142.7f;
            case IQ3_S -> 139.7f;
            case IQ1_S, IQ1_M -> 7.2f;
            case IQ4_NL -> 67.2f;
            case IQ4_XS -> 1245;
            case TQ1_0 -> 0.817f;
            case TQ2_0 -> 0.83f;
            case MXFP4, NVFP4 -> 2.93f;
            case Q1_0 -> 1;
            case Q2_0 -> 1.12f;
            default -> throw new IllegalArgumentException(dtype + " holds no weights");
        };
    }

    private static void setScale(DType dtype, MemorySegment out, long at, float scale) {
        switch (dtype) {
            case Q4_1 -> {
                half(out, at, scale);
                half(out, at + 2, -7.5f * scale);
            }
            case Q5_1 -> {
                half(out, at, scale);
                half(out, at + 2, -15.5f * scale);
            }
            case Q2_K -> {
                for (int i = 0; i < 16; i++) {
                    byte bits = out.get(ValueLayout.JAVA_BYTE, at + i);
                    out.set(ValueLayout.JAVA_BYTE, at + i, (byte) ((bits & 15) * 17)); // minimum = scale
                }
                half(out, at + 80, scale);
                half(out, at + 82, 1.5f * scale);
            }
            case Q3_K -> half(out, at + 108, scale);
            case Q4_K -> setScales(out, at, scale, 7.5f);
            case Q5_K -> setScales(out, at, scale, 15.5f);
            case Q6_K -> half(out, at + 208, scale);
            case IQ1_M -> {
                // The scale is spread over the highest four bits of four 16-bit fields.
                int bits = Float.floatToFloat16(scale);
                for (int i = 0; i < 4; i++) {
                    long field = at + 49 + 2L * i;
                    int low = out.get(ValueLayout.JAVA_BYTE, field) & 15;
                    out.set(ValueLayout.JAVA_BYTE, field, (byte) (low | (bits >> 4 * i & 15) << 4));
                }
            }
            case TQ1_0 -> half(out, at + 52, scale);
            case TQ2_0 -> {
                for (int i = 0; i < 64; i++) {
                    int bits = out.get(ValueLayout.JAVA_BYTE, at + i);
                    out.set(ValueLayout.JAVA_BYTE, at + i, (byte) (bits & ~(bits >> 1 & 0x55))); // no 3
                }
                half(out, at + 64, scale);
            }
            case MXFP4 -> out.set(ValueLayout.JAVA_BYTE, at, (byte) (127 + Math.getExponent(scale)));
            case NVFP4 -> out.set(INT, at, unsignedE4m3(scale) * 0x01010101);
            default -> half(out, at, scale);
        }
    }

    /** Scales and minimums of Q4_K and Q5_K: eight equal pairs of six bits, packed into twelve bytes. */
    private static void setScales(MemorySegment out, long at, float scale, float middle) {
        half(out, at, scale);
        half(out, at + 2, middle * scale);
        for (int i = 4; i < 8; i++) {
            byte first = out.get(ValueLayout.JAVA_BYTE, at + i);
            byte last = out.get(ValueLayout.JAVA_BYTE, at + i + 8);
            out.set(ValueLayout.JAVA_BYTE, at + i + 4, first);
            out.set(ValueLayout.JAVA_BYTE, at + i + 8, (byte) ((last & 15) * 17));
        }
    }

    /** An 8-bit float without sign: 4 bits of exponent with bias 7, 3 of mantissa. */
    private static int unsignedE4m3(float value) {
        int exponent = Math.getExponent(value) + 7;
        int mantissa = Math.round((value / Math.scalb(1f, exponent - 7) - 1) * 8);
        return Math.clamp(exponent * 8L + mantissa, 1, 0x7E);
    }

    private static void half(MemorySegment out, long at, float value) {
        out.set(SHORT, at, Float.floatToFloat16(value));
    }

    private static float uniform(SplittableRandom random, float deviation) {
        // The standard deviation of a uniform distribution over [-1, 1] is 1 / sqrt(3).
        return (float) (random.nextDouble(-1, 1) * 1.7320508 * deviation);
    }

    private static void fillBits(SplittableRandom random, MemorySegment out) {
        long size = out.byteSize();
        long at = 0;
        for (; at + Long.BYTES <= size; at += Long.BYTES) {
            out.set(LONG, at, random.nextLong());
        }
        for (; at < size; at++) {
            out.set(ValueLayout.JAVA_BYTE, at, (byte) random.nextInt());
        }
    }

    private interface BlockAction {
        void accept(long at);
    }

    private static void forEach(DType dtype, MemorySegment out, BlockAction action) {
        for (long at = 0; at < out.byteSize(); at += dtype.blockBytes()) {
            action.accept(at);
        }
    }
}
