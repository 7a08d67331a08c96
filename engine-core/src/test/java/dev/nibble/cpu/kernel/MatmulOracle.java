package dev.nibble.cpu.kernel;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;

/** Checks matrix multiplications against sums in double of what the scalar dequantizer gives. */
public final class MatmulOracle {
    private static final double EPSILON = 0x1p-24; // half an ulp of 1

    private MatmulOracle() {}

    /** Multiplies as a forward pass does with exact activations, and checks every output. */
    public static void check(KernelFamily family, Tensor weight, float[] x, int inputs, WorkerPool pool) {
        check(family, LoadOptions.EXACT, weight, x, x, inputs, pool);
    }

    /**
     * Likewise from a rearranged copy of the weights.
     *
     * @param rounded whether the kernel rounds so many inputs to 8 bits
     */
    public static void checkRearranged(
            KernelFamily family, Tensor weight, float[] x, int inputs, boolean rounded, WorkerPool pool) {
        check(family, LoadOptions.DEFAULT, weight, x, rounded ? rounded(x) : x, inputs, pool);
    }

    private static void check(
            KernelFamily family,
            LoadOptions options,
            Tensor weight,
            float[] x,
            float[] used,
            int inputs,
            WorkerPool pool) {
        int columns = Math.toIntExact(weight.columns());
        int outputs = Math.toIntExact(weight.rows());
        MatmulInput input = new MatmulInput(inputs, columns);
        System.arraycopy(x, 0, input.values(), 0, inputs * columns);
        input.reset(inputs, columns);
        int offset = 3;
        int stride = outputs + 1;
        float[] y = new float[offset + inputs * stride];
        try (Arena arena = Arena.ofShared()) {
            Linear linear = new Linear(family.kernel(weight, options, RepackMemory.of(arena), pool), null, 1);
            linear.apply(pool, input, y, offset, stride);
        }
        WorstError error = new WorstError(family.description() + " " + weight.name() + " with " + inputs + " inputs");
        for (int n = 0; n < outputs; n++) {
            float[] row = RandomWeights.row(weight, n);
            for (int r = 0; r < inputs; r++) {
                addTo(error, r, n, row, used, r * columns, y[offset + r * stride + n]);
            }
        }
        error.check();
    }

    /** {@code scale · round(x / scale)} in blocks of 32, scale = max|x| / 127. */
    private static float[] rounded(float[] x) {
        float[] rounded = new float[x.length];
        for (int block = 0; block < x.length; block += 32) {
            float largest = 0;
            for (int i = block; i < block + 32; i++) {
                largest = Math.max(largest, Math.abs(x[i]));
            }
            float scale = largest / 127;
            for (int i = block; i < block + 32 && scale > 0; i++) {
                rounded[i] = scale * (float) Math.rint(x[i] * (1 / scale));
            }
        }
        return rounded;
    }

    /**
     * A float sum of K products in any order is off by at most (K + 1) ε Σ|x w|. A weight made as q · scale + minimum is
     * rounded twice in the oracle and once in a kernel, each time by at most ε times the largest term, which is below
     * twice the row's largest weight where all codes occur.
     */
    private static void addTo(WorstError error, int r, int n, float[] row, float[] x, int xAt, float actual) {
        double expected = 0;
        double magnitude = 0;
        double inputSum = 0;
        double largest = 0;
        for (int k = 0; k < row.length; k++) {
            double product = (double) row[k] * x[xAt + k];
            expected += product;
            magnitude += Math.abs(product);
            inputSum += Math.abs(x[xAt + k]);
            largest = Math.max(largest, Math.abs(row[k]));
        }
        double bound = EPSILON * ((row.length + 1) * magnitude + 6 * largest * inputSum);
        error.add("input " + r + " output " + n, expected, actual, bound);
    }
}
