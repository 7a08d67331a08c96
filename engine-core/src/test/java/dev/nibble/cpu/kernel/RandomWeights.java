package dev.nibble.cpu.kernel;

import dev.nibble.cpu.quant.BlockFormat;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Random;

/**
 * Weight matrices for kernel tests: blocks of random bytes, so that every bit of every field is used, with scales of
 * ordinary size where random bits would be NaN or infinite.
 */
public final class RandomWeights {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private RandomWeights() {}

    /** A matrix of this type off-heap, at an odd address; lives as long as it is reachable. */
    public static Tensor matrix(DType dtype, int columns, int rows, Random random) {
        Shape shape = Shape.of(columns, rows);
        long bytes = dtype.byteSize(columns) * rows;
        MemorySegment data = Arena.ofAuto().allocate(bytes + 1).asSlice(1);
        for (long i = 0; i < bytes; i++) {
            data.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
        }
        for (long block = 0; block < bytes; block += dtype.blockBytes()) {
            setScales(dtype, data, block, random);
        }
        return new Tensor(dtype + "-" + columns + "x" + rows, dtype, shape, data);
    }

    private static void setScales(DType dtype, MemorySegment data, long block, Random random) {
        switch (dtype) {
            case F32 -> data.set(FLOAT, block, (float) random.nextGaussian());
            case BF16 -> data.set(SHORT, block, (short) (Float.floatToIntBits((float) random.nextGaussian()) >>> 16));
            case F16 -> {
                // now and then a value below the smallest normal one
                double size = random.nextInt(8) == 0 ? 1e-6 : 1;
                setHalf(data, block, random.nextGaussian() * size);
            }
            case Q4_0, Q5_0, Q8_0, IQ4_NL, IQ4_XS, IQ1_S, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, Q1_0, Q2_0 ->
                setHalf(data, block, random.nextGaussian() * 0.01);
            case Q4_1, Q5_1, Q4_K, Q5_K -> {
                setHalf(data, block, random.nextGaussian() * 0.01);
                setHalf(data, block + 2, random.nextGaussian() * 0.01);
            }
            case Q2_K -> {
                setHalf(data, block + 80, random.nextGaussian() * 0.01);
                setHalf(data, block + 82, random.nextGaussian() * 0.01);
            }
            case Q3_K -> setHalf(data, block + 108, random.nextGaussian() * 0.01);
            case Q6_K -> setHalf(data, block + 208, random.nextGaussian() * 0.001);
            case TQ1_0 -> setHalf(data, block + 52, random.nextGaussian() * 0.01);
            case TQ2_0 -> setHalf(data, block + 64, random.nextGaussian() * 0.01);
            // the sign and the upper bits of the exponent are the last four bits
            case IQ1_M -> data.set(ValueLayout.JAVA_BYTE, block + 55, (byte) (0x20 | random.nextInt(16)));
            case MXFP4 -> data.set(ValueLayout.JAVA_BYTE, block, (byte) (115 + random.nextInt(12)));
            case NVFP4 -> {
                for (int i = 0; i < 4; i++) {
                    data.set(ValueLayout.JAVA_BYTE, block + i, (byte) random.nextInt(0x50));
                }
            }
            default -> throw new IllegalArgumentException("no scales known for " + dtype);
        }
    }

    /** Makes every byte {@code value} but for the scales of blocks, which stay. */
    public static void fillQuants(Tensor matrix, byte value) {
        MemorySegment data = matrix.data();
        Random scales = new Random(1);
        for (long block = 0; block < data.byteSize(); block += matrix.dtype().blockBytes()) {
            data.asSlice(block, matrix.dtype().blockBytes()).fill(value);
            setScales(matrix.dtype(), data, block, scales);
        }
    }

    private static void setHalf(MemorySegment data, long offset, double value) {
        data.set(SHORT, offset, Float.floatToFloat16((float) value));
    }

    /** Row {@code row} of a matrix by the scalar code. */
    public static float[] row(Tensor matrix, int row) {
        int columns = Math.toIntExact(matrix.columns());
        float[] values = new float[columns];
        BlockFormat.of(matrix.dtype()).dequantize(matrix.data(), row * matrix.rowBytes(), values, 0, columns);
        return values;
    }

    /** Normally distributed values. */
    public static float[] gaussian(int count, Random random) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
