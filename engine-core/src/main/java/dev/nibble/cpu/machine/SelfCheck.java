package dev.nibble.cpu.machine;

import dev.nibble.cpu.MatmulInput;
import dev.nibble.cpu.WorkerPool;
import dev.nibble.cpu.quant.BlockFormat;
import dev.nibble.tensor.Tensor;
import java.util.SplittableRandom;

/**
 * Compares machine code with the scalar code before it is used: a processor, or a virtual machine, that runs an instruction
 * otherwise than written must not give wrong answers.
 *
 * <p>Once for each type: some rows of the first matrix, the first and the last of few inputs and of many.
 */
final class SelfCheck {
    private static final double EPSILON = 0x1p-24; // half an ulp of 1

    private SelfCheck() {}

    /** What differs; empty if nothing does. */
    static String failure(GroupKernel kernel, Tensor weight, WorkerPool pool) {
        String few = failure(kernel, weight, pool, kernel.mostOfFew());
        return few.isEmpty() ? failure(kernel, weight, pool, kernel.mostOfFew() + 1) : few;
    }

    private static String failure(GroupKernel kernel, Tensor weight, WorkerPool pool, int inputs) {
        try (MatmulInput x = new MatmulInput(inputs, kernel.columns())) {
            return failure(kernel, weight, pool, x, inputs);
        }
    }

    private static String failure(GroupKernel kernel, Tensor weight, WorkerPool pool, MatmulInput x, int inputs) {
        int columns = kernel.columns();
        int rows = Math.min(Form.ROWS, kernel.rows());
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < inputs * columns; i++) {
            x.values()[i] = (float) random.nextDouble(-1, 1);
        }
        x.reset(inputs, columns);
        kernel.prepare(x, pool);
        float[] y = new float[inputs * rows];
        kernel.multiply(x, 0, inputs, y, 0, rows, 0, rows);
        float[] used = kernel.rounds() ? round(x.values(), inputs * columns) : x.values();
        float[] weights = new float[columns];
        for (int row = 0; row < rows; row++) {
            BlockFormat.of(weight.dtype()).dequantize(weight.data(), row * weight.rowBytes(), weights, 0, columns);
            for (int input : new int[] {0, inputs - 1}) {
                double expected = 0;
                double magnitude = 0;
                double largest = 0;
                for (int k = 0; k < columns; k++) {
                    double product = (double) weights[k] * used[input * columns + k];
                    expected += product;
                    magnitude += Math.abs(product);
                    largest = Math.max(largest, Math.abs(weights[k]));
                }
                // a sum in floats, of products of rounded scales; the smallest floats have fewer bits
                double bound = EPSILON * ((columns + 1) * magnitude + 6 * largest * columns)
                        + columns * (double) Float.MIN_VALUE;
                float actual = y[input * rows + row];
                if (Double.isFinite(expected) && !(Math.abs(actual - expected) <= bound)) {
                    return weight.name() + ", row " + row + ", " + inputs + " inputs: expected " + expected + ", found "
                            + actual;
                }
            }
        }
        return "";
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
