package dev.nibble.tornado;

import static dev.nibble.tornado.KernelCheck.EPSILON;
import static dev.nibble.tornado.KernelCheck.FUNCTION_ULPS;

import dev.nibble.tensor.DType;
import dev.nibble.tornado.KernelCheck.FloatView;
import dev.nibble.tornado.kernels.Layout;
import dev.nibble.tornado.kernels.MatrixKernels;
import dev.nibble.tornado.kernels.RowKernels;
import dev.nibble.tornado.kernels.Weights;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Checks of norms and activations. */
final class RowChecks {
    private static final int ROWS = 3;
    private static final int WIDTH = 96;
    private static final int OUTPUTS = 5;

    private RowChecks() {}

    static KernelCheck normalize(int mode) {
        CheckData data = new CheckData(101 + mode);
        FloatArray x = data.floats(ROWS * WIDTH);
        FloatArray y = data.floats(ROWS * WIDTH);
        FloatArray vectors = data.floats(WIDTH + Layout.SCALAR_COUNT);
        data.set(Layout.FFN_NORM, 0);
        data.set(Layout.SCALARS, WIDTH);
        vectors.set(WIDTH + Layout.EPSILONS + 1, 1e-3f);
        IntArray batch = data.batch(ROWS, 0, Layout.PAGE);
        float[] before = MatrixChecks.copy(y);
        Launch launch = Launch.of(
                "rmsNorm-" + (mode == RowKernels.ADD ? "add" : "replace"),
                ROWS,
                RowKernels.LANES,
                RowKernels::rmsNorm,
                batch,
                data.step,
                data.table,
                vectors,
                x,
                y,
                WIDTH,
                Layout.FFN_NORM,
                mode);
        double residualScale = vectors.get(WIDTH + Layout.RESIDUAL_SCALE);
        IntToDoubleFunction normalized = i -> {
            double squares = 0;
            for (int k = 0; k < WIDTH; k++) {
                double value = x.get(i / WIDTH * WIDTH + k);
                squares += value * value;
            }
            double epsilon = vectors.get(WIDTH + Layout.EPSILONS + 1);
            return x.get(i) / Math.sqrt(squares / WIDTH + epsilon) * vectors.get(i % WIDTH);
        };
        // the sum of squares is off by at most WIDTH + 1 roundings, its root by half of that
        double relative = EPSILON * (WIDTH / 2.0 + FUNCTION_ULPS);
        IntToDoubleFunction expected =
                mode == RowKernels.REPLACE ? normalized : i -> before[i] + residualScale * normalized.applyAsDouble(i);
        IntToDoubleFunction bound = mode == RowKernels.REPLACE
                ? i -> relative * Math.abs(normalized.applyAsDouble(i))
                : i -> relative * Math.abs(residualScale * normalized.applyAsDouble(i))
                        + 2 * EPSILON * Math.abs(before[i]);
        return check(launch, List.of(batch, data.step, data.table, vectors, x, y), y, expected, bound);
    }

    static KernelCheck copy() {
        CheckData data = new CheckData(103);
        FloatArray x = data.floats(ROWS * WIDTH);
        FloatArray y = data.floats(ROWS * WIDTH);
        IntArray batch = data.batch(ROWS, 0, Layout.PAGE);
        Launch launch = Launch.of(
                "copy",
                Math.ceilDiv(ROWS * WIDTH, RowKernels.LANES),
                RowKernels.LANES,
                RowKernels::copy,
                batch,
                x,
                y,
                WIDTH);
        return check(launch, List.of(batch, x, y), y, x::get, i -> Double.MIN_VALUE);
    }

    static KernelCheck activate(int activation) {
        CheckData data = new CheckData(104 + activation);
        FloatArray both = data.floats(ROWS * 2 * WIDTH);
        FloatArray y = new FloatArray(ROWS * WIDTH);
        // large arguments, where an exponential overflows
        both.set(0, 200);
        both.set(1, -200);
        IntArray batch = data.batch(ROWS, 0, Layout.PAGE);
        Launch launch = Launch.of(
                "activate-" + activation,
                Math.ceilDiv(ROWS * WIDTH, RowKernels.LANES),
                RowKernels.LANES,
                RowKernels::activate,
                batch,
                both,
                y,
                WIDTH,
                activation);
        IntToDoubleFunction gate = i -> both.get(i / WIDTH * 2 * WIDTH + i % WIDTH);
        IntToDoubleFunction up = i -> both.get(i / WIDTH * 2 * WIDTH + WIDTH + i % WIDTH);
        return check(
                launch,
                List.of(batch, both, y),
                y,
                i -> activated(activation, gate.applyAsDouble(i)) * up.applyAsDouble(i),
                i -> activatedBound(activation, gate.applyAsDouble(i), 0) * Math.abs(up.applyAsDouble(i)));
    }

    static KernelCheck gate(int activation) {
        CheckData data = new CheckData(110 + activation);
        ByteArray weights = data.weights(DType.F16, 2 * OUTPUTS, WIDTH);
        float[] values = CheckData.dequantize(DType.F16, weights, 2 * OUTPUTS, WIDTH);
        FloatArray x = data.floats(WIDTH);
        FloatArray y = new FloatArray(OUTPUTS);
        FloatArray vectors = data.floats(WIDTH + Layout.SCALAR_COUNT);
        data.set(Layout.GATE, 0);
        data.set(Layout.UP, OUTPUTS * WIDTH * 2);
        data.set(Layout.FFN_NORM, 0);
        data.set(Layout.SCALARS, WIDTH);
        vectors.set(WIDTH + Layout.EPSILONS + 1, 1e-3f);
        Launch launch = Launch.of(
                "gate-" + activation,
                OUTPUTS,
                MatrixKernels.LANES,
                MatrixKernels::gate,
                data.step,
                data.table,
                weights,
                vectors,
                x,
                y,
                Weights.F16,
                Weights.F16,
                WIDTH,
                OUTPUTS,
                Layout.FFN_NORM,
                activation);
        double squares = 0;
        for (int k = 0; k < WIDTH; k++) {
            squares += (double) x.get(k) * x.get(k);
        }
        double factor = 1 / Math.sqrt(squares / WIDTH + vectors.get(WIDTH + Layout.EPSILONS + 1));
        double[] products = new double[2 * OUTPUTS];
        double[] errors = new double[2 * OUTPUTS];
        for (int n = 0; n < products.length; n++) {
            double scale = factor * vectors.get(WIDTH + (n < OUTPUTS ? Layout.GATE : Layout.UP));
            double magnitude = 0;
            for (int k = 0; k < WIDTH; k++) {
                double product = (double) values[n * WIDTH + k] * x.get(k) * vectors.get(k) * scale;
                products[n] += product;
                magnitude += Math.abs(product);
            }
            errors[n] = EPSILON * ((WIDTH + 2) * magnitude + (WIDTH / 2.0 + FUNCTION_ULPS) * Math.abs(products[n]));
        }
        return check(
                launch,
                List.of(data.step, data.table, weights, vectors, x, y),
                y,
                n -> activated(activation, products[n]) * products[OUTPUTS + n],
                n -> activatedBound(activation, products[n], errors[n]) * Math.abs(products[OUTPUTS + n])
                        + Math.abs(activated(activation, products[n])) * errors[OUTPUTS + n]);
    }

    private static KernelCheck check(
            Launch launch,
            List<Object> uploads,
            FloatArray y,
            IntToDoubleFunction expected,
            IntToDoubleFunction bound) {
        // what was uploaded may be written over: the values are computed now
        double[] values = new double[y.getSize()];
        double[] bounds = new double[y.getSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = expected.applyAsDouble(i);
            bounds[i] = bound.applyAsDouble(i);
        }
        Graph graph = new Graph(MatrixChecks.graphName(launch), uploads, List.of(launch), List.of(y));
        return new KernelCheck(graph, FloatView.of(y), i -> values[i], i -> bounds[i]);
    }

    private static double activated(int activation, double x) {
        return switch (activation) {
            case RowKernels.SILU -> x / (1 + Math.exp(-x));
            case RowKernels.GELU_TANH -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * x * (1 + 0.044715 * x * x)));
            default -> Math.max(0, x) * Math.max(0, x);
        };
    }

    /**
     * How far an activation can be off when its argument is off by {@code error}: no slope is above 1.2 (2x for the
     * square). The argument of an exponential, off by ε of its size, adds that much to its result, whose influence ends
     * where the activation is 0 or x, at |x| of about 20.
     */
    private static double activatedBound(int activation, double x, double error) {
        double slope = activation == RowKernels.RELU_SQUARED ? 2 * Math.abs(x) + error : 1.2;
        double own = 4 * Math.min(Math.abs(x), 20) + FUNCTION_ULPS;
        double size = activation == RowKernels.RELU_SQUARED ? Math.max(Math.abs(x), x * x) : Math.abs(x);
        return slope * error + EPSILON * own * size;
    }
}
