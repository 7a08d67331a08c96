package dev.nibble.cpu.machine;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.quant.BlockFormat;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Compares machine code with the scalar code before it is used: a processor, or a virtual machine, that runs an instruction
 * otherwise than written must not give wrong answers.
 *
 * <p>Once for each type: a part of the first matrix, by every number of inputs that has code of its own, all of their
 * outputs. Of a kernel that has tiles for many inputs these are compared: with weights and inputs rounded as they are there.
 */
final class SelfCheck {
    private static final double EPSILON = 0x1p-24; // half an ulp of 1

    /** Of sums of products of bfloat16: where a float lies between two of them, its last bit decides which it becomes. */
    private static final double TILE_UNCERTAINTY = 0x1p-12;

    /** Columns of the part that is compared: two super-blocks. */
    private static final int COLUMNS = 2 * Form.SUPER_BLOCK;

    private final GroupKernel kernel;
    private final Tensor weight;
    private final int rows;
    private final int[] numbers; // of inputs
    private final int most;
    private final MatmulInput x;
    private final float[] used; // what the kernel multiplies by
    private final double[] expected; // [inputs, rows]
    private final double[] bounds; // [inputs, rows]

    private SelfCheck(GroupKernel kernel, Tensor weight) {
        this.kernel = kernel;
        this.weight = weight;
        rows = Math.min(Form.ROWS, kernel.rows());
        numbers = (kernel.hasTiles()
                        ? IntStream.rangeClosed(AmxProduct.LEAST_INPUTS, AmxProduct.MOST_TO_CHECK)
                        : kernel.toCheck())
                .toArray();
        most = numbers[numbers.length - 1];
        int inputs = most;
        int columns = kernel.columns();
        x = new MatmulInput(inputs, columns);
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < inputs * columns; i++) {
            x.values()[i] = (float) random.nextDouble(-1, 1);
        }
        used = used(kernel, x.values(), inputs * columns);
        expected = new double[inputs * rows];
        bounds = new double[inputs * rows];
    }

    /** The first columns of the first group of a matrix, in memory of its own: what is compared. */
    static Tensor sample(Tensor weight) {
        int columns = (int) Math.min(COLUMNS, weight.columns());
        int rows = (int) Math.min(Form.ROWS, weight.rows());
        long rowBytes = weight.dtype().byteSize(columns);
        MemorySegment data = Arena.ofAuto().allocate(rows * rowBytes, Long.BYTES);
        for (int row = 0; row < rows; row++) {
            MemorySegment.copy(weight.data(), row * weight.rowBytes(), data, row * rowBytes, rowBytes);
        }
        return new Tensor(weight.name(), weight.dtype(), Shape.of(columns, rows), data);
    }

    /** What differs; empty if nothing does. */
    static String failure(GroupKernel kernel, Tensor weight, WorkerPool pool) {
        SelfCheck check = new SelfCheck(kernel, weight);
        try {
            check.expect();
            for (int inputs : check.numbers) {
                String failure = check.failure(inputs, pool);
                if (!failure.isEmpty()) {
                    return failure;
                }
            }
            return "";
        } finally {
            check.x.close();
        }
    }

    /** Computes the outputs, and how far those of floats may be from them. */
    private void expect() {
        int columns = kernel.columns();
        float[] weights = new float[columns];
        for (int row = 0; row < rows; row++) {
            BlockFormat.of(weight.dtype()).dequantize(weight.data(), row * weight.rowBytes(), weights, 0, columns);
            double uncertainty = 0;
            if (kernel.hasTiles()) {
                uncertainty = TILE_UNCERTAINTY;
                for (int k = 0; k < columns; k++) {
                    weights[k] = Float.intBitsToFloat(Float.floatToRawIntBits(weights[k]) + 0x8000 & 0xffff0000);
                }
            }
            for (int input = 0; input < most; input++) {
                double sum = 0;
                double magnitude = 0;
                double largest = 0;
                for (int k = 0; k < columns; k++) {
                    double product = (double) weights[k] * used[input * columns + k];
                    sum += product;
                    magnitude += Math.abs(product);
                    largest = Math.max(largest, Math.abs(weights[k]));
                }
                expected[input * rows + row] = sum;
                // a sum in floats, of products of rounded scales; the smallest floats have fewer bits
                bounds[input * rows + row] = EPSILON * ((columns + 1) * magnitude + 6 * largest * columns)
                        + uncertainty * magnitude
                        + columns * (double) Float.MIN_VALUE;
            }
        }
    }

    private String failure(int inputs, WorkerPool pool) {
        x.reset(inputs, kernel.columns());
        kernel.prepare(x, pool);
        float[] y = new float[inputs * rows];
        kernel.multiply(x, 0, inputs, y, 0, rows, 0, rows);
        for (int i = 0; i < y.length; i++) {
            if (Double.isFinite(expected[i]) && !(Math.abs(y[i] - expected[i]) <= bounds[i])) {
                return weight.name() + ", row " + i % rows + ", input " + i / rows + " of " + inputs + ": expected "
                        + expected[i] + ", found " + y[i];
            }
        }
        return "";
    }

    private static float[] used(GroupKernel kernel, float[] x, int count) {
        if (kernel.hasTiles()) {
            float[] rounded = new float[count];
            for (int i = 0; i < count; i++) {
                rounded[i] = Float.intBitsToFloat(AmxRows.round(x[i]) << Short.SIZE);
            }
            return rounded;
        }
        return kernel.rounds() ? round(x, count) : x;
    }

    /** What {@link RoundingEmitter}'s code does to values. */
    private static float[] round(float[] x, int count) {
        float[] rounded = new float[count];
        for (int block = 0; block < count; block += Form.BLOCK) {
            float largest = 0;
            for (int i = block; i < block + Form.BLOCK; i++) {
                largest = Math.max(largest, Math.abs(x[i]));
            }
            float scale = largest / 127;
            for (int i = block; i < block + Form.BLOCK; i++) {
                rounded[i] = scale * (float) Math.rint(x[i] * (1 / scale));
            }
        }
        return rounded;
    }
}
