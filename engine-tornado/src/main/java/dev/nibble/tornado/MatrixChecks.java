package dev.nibble.tornado;

import dev.nibble.tensor.DType;
import dev.nibble.tornado.KernelCheck.FloatView;
import dev.nibble.tornado.kernels.Layout;
import dev.nibble.tornado.kernels.MatrixKernels;
import dev.nibble.tornado.kernels.RowKernels;
import java.util.List;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Checks of what reads the weights of one type: three matrices side by side, with biases, scales, norm and residual. */
final class MatrixChecks {
    private static final int COLUMNS = 512;
    private static final int END1 = 11;
    private static final int END2 = 18;
    private static final int OUTPUTS = 21;
    private static final int ROWS = 18;

    private final DType type;
    private final int code;
    private final CheckData data;
    private final ByteArray weights;
    private final float[] values;
    private final FloatArray vectors;
    private final FloatArray x;

    MatrixChecks(DType type, int code) {
        this.type = type;
        this.code = code;
        data = new CheckData(type.id());
        weights = data.weights(type, OUTPUTS, COLUMNS);
        values = CheckData.dequantize(type, weights, OUTPUTS, COLUMNS);
        int rowBytes = (int) type.byteSize(COLUMNS);
        data.set(Layout.QUERY, 0);
        data.set(Layout.KEY, END1 * rowBytes);
        data.set(Layout.VALUE, END2 * rowBytes);
        data.set(Layout.OUTPUTS + Layout.QUERY, END1);
        data.set(Layout.OUTPUTS + Layout.KEY, END2 - END1);
        data.set(Layout.OUTPUTS + Layout.VALUE, OUTPUTS - END2);
        int scalars = COLUMNS;
        int biases = scalars + Layout.SCALAR_COUNT;
        vectors = data.floats(biases + END1);
        data.set(Layout.ATTENTION_NORM, 0);
        data.set(Layout.SCALARS, scalars);
        data.set(Layout.BIAS + Layout.QUERY, biases);
        vectors.set(scalars + Layout.EPSILONS, 1e-3f);
        x = data.floats(ROWS * COLUMNS);
    }

    List<KernelCheck> all() {
        return List.of(project(Layout.NO_NORM, 0), project(Layout.ATTENTION_NORM, 1), multiply(), embed());
    }

    private KernelCheck project(int norm, int add) {
        FloatArray y = data.floats(OUTPUTS);
        float[] before = copy(y);
        data.step.set(Layout.INPUT_ROW, 1);
        IntArray step = new IntArray(Layout.STEP_SIZE);
        step.set(Layout.TABLE_ROW, CheckData.LAYER);
        step.set(Layout.INPUT_ROW, 1);
        Launch launch = Launch.of(
                "project-" + type + (norm < 0 ? "" : "-normalized"),
                OUTPUTS,
                MatrixKernels.LANES,
                MatrixKernels::project,
                step,
                data.table,
                weights,
                vectors,
                x,
                y,
                code,
                COLUMNS,
                Layout.QUERY,
                3,
                0,
                norm,
                add);
        return check(launch, List.of(step, data.table, weights, vectors, x, y), y, before, 1, norm, add);
    }

    private KernelCheck multiply() {
        FloatArray y = data.floats(ROWS * OUTPUTS);
        float[] before = copy(y);
        IntArray batch = data.batch(ROWS, 0, Layout.PAGE);
        int tiles = Math.ceilDiv(OUTPUTS, MatrixKernels.TILE) * Math.ceilDiv(ROWS, MatrixKernels.TILE);
        Launch launch = Launch.of(
                "multiply-" + type,
                tiles,
                MatrixKernels.TILE_LANES,
                MatrixKernels::multiply,
                batch,
                data.step,
                data.table,
                weights,
                vectors,
                x,
                y,
                code,
                COLUMNS,
                Layout.QUERY,
                3,
                0,
                OUTPUTS,
                1);
        return check(
                launch, List.of(batch, data.step, data.table, weights, vectors, x, y), y, before, 0, Layout.NO_NORM, 1);
    }

    /** Rows of {@code y} are those of {@code x} from {@code firstRow} on. */
    private KernelCheck check(
            Launch launch, List<Object> uploads, FloatArray y, float[] before, int firstRow, int norm, int add) {
        double[] expected = new double[before.length];
        double[] bound = new double[before.length];
        for (int i = 0; i < before.length; i++) {
            product(firstRow + i / OUTPUTS, i % OUTPUTS, norm, i, expected, bound);
            if (add == 1) {
                double scale = vectors.get(data.get(Layout.SCALARS) + Layout.RESIDUAL_SCALE);
                bound[i] = Math.abs(scale) * bound[i]
                        + 3 * KernelCheck.EPSILON * (Math.abs(scale * expected[i]) + Math.abs(before[i]));
                expected[i] = before[i] + scale * expected[i];
            }
        }
        Graph graph = new Graph(graphName(launch), uploads, List.of(launch), List.of(y));
        return new KernelCheck(graph, FloatView.of(y), i -> expected[i], i -> bound[i]);
    }

    static String graphName(Launch launch) {
        return "check-" + launch.name();
    }

    /**
     * One output and its bound. A float sum of K products in any order is off by at most (K + 1) ε Σ|x w|; a weight made
     * as q · scale + minimum is rounded up to three times, each time by at most ε times twice the row's largest.
     */
    private void product(int row, int output, int norm, int at, double[] expected, double[] bound) {
        double sum = 0;
        double magnitude = 0;
        double inputs = 0;
        double largest = 0;
        double squares = 0;
        for (int k = 0; k < COLUMNS; k++) {
            double value = x.get(row * COLUMNS + k);
            squares += value * value;
            if (norm >= 0) {
                value *= vectors.get(data.get(norm) + k);
            }
            double weight = values[output * COLUMNS + k];
            sum += weight * value;
            magnitude += Math.abs(weight * value);
            inputs += Math.abs(value);
            largest = Math.max(largest, Math.abs(weight));
        }
        int scalars = data.get(Layout.SCALARS);
        int part = output >= END2 ? Layout.VALUE : output >= END1 ? Layout.KEY : Layout.QUERY;
        double factor = vectors.get(scalars + part);
        if (norm >= 0) {
            factor /= Math.sqrt(squares / COLUMNS + vectors.get(scalars + Layout.EPSILONS + norm - Layout.NORMS));
        }
        double result = factor * sum;
        double error = Math.abs(factor) * ((COLUMNS + 2) * magnitude + 6 * largest * inputs)
                + (COLUMNS / 2 + KernelCheck.FUNCTION_ULPS) * Math.abs(result);
        if (part == Layout.QUERY) {
            double bias = vectors.get(data.get(Layout.BIAS + Layout.QUERY) + output);
            result += bias;
            error += Math.abs(bias) + Math.abs(result);
        }
        expected[at] = result;
        bound[at] = KernelCheck.EPSILON * error;
    }

    private KernelCheck embed() {
        int rows = 2;
        int first = 2;
        float scale = 1.5f;
        IntArray batch = data.batch(rows, 0, Layout.PAGE);
        FloatArray y = data.floats(rows * COLUMNS);
        Launch launch = Launch.of(
                "embed-" + type,
                Math.ceilDiv(rows * COLUMNS, RowKernels.LANES),
                RowKernels.LANES,
                RowKernels::embed,
                batch,
                weights,
                y,
                code,
                COLUMNS,
                (int) type.byteSize(COLUMNS),
                first,
                4,
                scale);
        Graph graph = new Graph(graphName(launch), List.of(batch, weights, y), List.of(launch), List.of(y));
        double[] expected = new double[y.getSize()];
        double[] bound = new double[y.getSize()];
        for (int i = 0; i < expected.length; i++) {
            int token = CheckData.token(batch, i / COLUMNS) - first;
            double largest = 0;
            for (int k = 0; k < COLUMNS; k++) {
                largest = Math.max(largest, Math.abs(values[(token + 1) * COLUMNS + k]));
            }
            expected[i] = (double) scale * values[(token + 1) * COLUMNS + i % COLUMNS];
            bound[i] = KernelCheck.EPSILON * (2 * Math.abs(expected[i]) + 6 * scale * largest);
        }
        return new KernelCheck(graph, FloatView.of(y), i -> expected[i], i -> bound[i]);
    }

    static float[] copy(FloatArray array) {
        float[] values = new float[array.getSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i);
        }
        return values;
    }
}
