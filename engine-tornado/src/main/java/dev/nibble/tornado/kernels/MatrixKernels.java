package dev.nibble.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Multiplications by weight matrices: {@code y[row, n] = scale · (x[row, k] · W[n, k]) + bias[n]}.
 *
 * <p>Up to three matrices that share their input stand side by side in {@code y}: those in columns {@code slot},
 * {@code slot + 1}, … of the table, {@code parts} of them. A launch computes some of their outputs, all of matrices of one
 * type.
 */
public final class MatrixKernels {
    /** Work-items of a group of {@link #project} and {@link #gate}, which compute one output. */
    public static final int LANES = 32;

    /** Outputs, and rows, of a group of {@link #multiply}. */
    public static final int TILE = 16;

    /** Work-items of a group of {@link #multiply}: each computes four outputs of one row. */
    public static final int TILE_LANES = 64;

    /** Weights of a row, and values of an input, that a group holds in local memory at a time. */
    private static final int DEPTH = 32;

    /** Length of such a row in local memory: odd, so that neighbours lie in different banks. */
    private static final int STRIDE = DEPTH + 1;

    private static final int TILE_SIZE = TILE * STRIDE;

    private MatrixKernels() {}

    /**
     * The outputs of one row, for decoding; {@code x} is normalized on the way if {@code norm} names one (RMS: the sum of
     * squares is taken along with the product, and the gains are multiplied into it).
     *
     * @param x [rows, columns]; the row is the one in {@code step}
     * @param y [outputs]; added to, times the residual scale, if {@code add} is 1
     * @param from the first output; each group computes one
     */
    public static void project(
            KernelContext context,
            IntArray step,
            IntArray table,
            ByteArray weights,
            FloatArray vectors,
            FloatArray x,
            FloatArray y,
            int type,
            int columns,
            int slot,
            int parts,
            int from,
            int norm,
            int add) {
        float[] partial = context.allocateFloatLocalArray(2 * LANES);
        int output = context.groupIdx + from;
        int lane = context.localIdx;
        int row = step.get(Layout.TABLE_ROW) * Layout.COLUMNS;
        int scalars = table.get(row + Layout.SCALARS);
        int first = start(table, row + Layout.OUTPUTS + slot, parts, output);
        int part = part(table, row + Layout.OUTPUTS + slot, parts, output) + slot;
        int at = table.get(row + part) + (output - first) * Weights.rowBytes(type, columns);
        int input = step.get(Layout.INPUT_ROW) * columns;
        int gained = 0;
        int gains = 0;
        float squares = 0;
        if (norm >= 0) {
            gained = 1;
            gains = table.get(row + norm);
            for (int k = lane; k < columns; k += LANES) {
                float value = x.get(input + k);
                squares += value * value;
            }
        }
        float sum = 0;
        for (int unit = lane; unit < columns / Weights.UNIT; unit += LANES) {
            if (type >= Weights.Q4_K) {
                sum += Weights.dotK(type, weights, at, unit, x, input, vectors, gains, gained);
            } else if (type >= Weights.Q4_0) {
                sum += Weights.dotBlock(type, weights, at, unit, x, input, vectors, gains, gained);
            } else {
                sum += Weights.dotFloat(type, weights, at, unit, x, input, vectors, gains, gained);
            }
        }
        partial[lane] = sum;
        partial[LANES + lane] = squares;
        context.localBarrier();
        if (lane == 0) {
            float result = 0;
            for (int i = 0; i < LANES; i++) {
                result += partial[i];
            }
            if (norm >= 0) {
                float total = 0;
                for (int i = 0; i < LANES; i++) {
                    total += partial[LANES + i];
                }
                float epsilon = vectors.get(scalars + Layout.EPSILONS + norm - Layout.NORMS);
                result = result / TornadoMath.sqrt(total / columns + epsilon);
            }
            result = result * vectors.get(scalars + part);
            int bias = table.get(row + Layout.BIAS + part);
            if (bias >= 0) {
                result += vectors.get(bias + output - first);
            }
            if (add == 1) {
                result = y.get(output) + vectors.get(scalars + Layout.RESIDUAL_SCALE) * result;
            }
            y.set(output, result);
        }
    }

    /**
     * {@code y[n] = act(gate[n] · norm(x)) · (up[n] · norm(x))} of row 0, for decoding: norm, both matrices and the
     * activation in one launch.
     */
    public static void gate(
            KernelContext context,
            IntArray step,
            IntArray table,
            ByteArray weights,
            FloatArray vectors,
            FloatArray x,
            FloatArray y,
            int gateType,
            int upType,
            int columns,
            int outputs,
            int norm,
            int activation) {
        float[] partial = context.allocateFloatLocalArray(3 * LANES);
        int output = context.groupIdx;
        int lane = context.localIdx;
        int row = step.get(Layout.TABLE_ROW) * Layout.COLUMNS;
        int scalars = table.get(row + Layout.SCALARS);
        int gateAt = table.get(row + Layout.GATE) + output * Weights.rowBytes(gateType, columns);
        int upAt = table.get(row + Layout.UP) + output * Weights.rowBytes(upType, columns);
        int gained = 0;
        int gains = 0;
        float squares = 0;
        if (norm >= 0) {
            gained = 1;
            gains = table.get(row + norm);
            for (int k = lane; k < columns; k += LANES) {
                float value = x.get(k);
                squares += value * value;
            }
        }
        float gateSum = 0;
        float upSum = 0;
        for (int unit = lane; unit < columns / Weights.UNIT; unit += LANES) {
            if (gateType >= Weights.Q4_K) {
                gateSum += Weights.dotK(gateType, weights, gateAt, unit, x, 0, vectors, gains, gained);
            } else if (gateType >= Weights.Q4_0) {
                gateSum += Weights.dotBlock(gateType, weights, gateAt, unit, x, 0, vectors, gains, gained);
            } else {
                gateSum += Weights.dotFloat(gateType, weights, gateAt, unit, x, 0, vectors, gains, gained);
            }
            if (upType >= Weights.Q4_K) {
                upSum += Weights.dotK(upType, weights, upAt, unit, x, 0, vectors, gains, gained);
            } else if (upType >= Weights.Q4_0) {
                upSum += Weights.dotBlock(upType, weights, upAt, unit, x, 0, vectors, gains, gained);
            } else {
                upSum += Weights.dotFloat(upType, weights, upAt, unit, x, 0, vectors, gains, gained);
            }
        }
        partial[lane] = gateSum;
        partial[LANES + lane] = upSum;
        partial[2 * LANES + lane] = squares;
        context.localBarrier();
        if (lane == 0) {
            float gateResult = 0;
            float upResult = 0;
            float total = 0;
            for (int i = 0; i < LANES; i++) {
                gateResult += partial[i];
                upResult += partial[LANES + i];
                total += partial[2 * LANES + i];
            }
            if (norm >= 0) {
                float epsilon = vectors.get(scalars + Layout.EPSILONS + norm - Layout.NORMS);
                float factor = 1 / TornadoMath.sqrt(total / columns + epsilon);
                gateResult = gateResult * factor;
                upResult = upResult * factor;
            }
            gateResult = gateResult * vectors.get(scalars + Layout.GATE);
            upResult = upResult * vectors.get(scalars + Layout.UP);
            int gateBias = table.get(row + Layout.BIAS + Layout.GATE);
            if (gateBias >= 0) {
                gateResult += vectors.get(gateBias + output);
            }
            int upBias = table.get(row + Layout.BIAS + Layout.UP);
            if (upBias >= 0) {
                upResult += vectors.get(upBias + output);
            }
            y.set(output, RowKernels.activated(activation, gateResult) * upResult);
        }
    }

    /**
     * The outputs of all rows of the batch, for prompts: a group computes {@link #TILE} outputs of {@link #TILE} rows and
     * decodes each weight once for them.
     *
     * @param x [rows, columns], normalized before
     * @param y [rows, outputs]; added to, times the residual scale, if {@code add} is 1
     */
    public static void multiply(
            KernelContext context,
            IntArray batch,
            IntArray step,
            IntArray table,
            ByteArray weights,
            FloatArray vectors,
            FloatArray x,
            FloatArray y,
            int type,
            int columns,
            int slot,
            int parts,
            int from,
            int to,
            int add) {
        float[] weightTile = context.allocateFloatLocalArray(TILE_SIZE);
        float[] inputTile = context.allocateFloatLocalArray(TILE_SIZE);
        int tilesAcross = (to - from + TILE - 1) / TILE;
        int group = context.groupIdx;
        int lane = context.localIdx;
        int firstOutput = from + (group % tilesAcross) * TILE;
        int firstRow = (group / tilesAcross) * TILE;
        int rows = batch.get(Layout.ROWS);
        int end = firstRow < rows ? columns : 0; // and no early return: a barrier must not stand in a condition
        int tableRow = step.get(Layout.TABLE_ROW) * Layout.COLUMNS;
        int counts = tableRow + Layout.OUTPUTS + slot;
        int rowBytes = Weights.rowBytes(type, columns);
        int ownRow = lane % TILE;
        int ownOutputs = lane / TILE * 4;
        float sum0 = 0;
        float sum1 = 0;
        float sum2 = 0;
        float sum3 = 0;
        for (int depth = 0; depth < end; depth += DEPTH) {
            for (int i = lane; i < TILE * DEPTH; i += TILE_LANES) {
                int line = i / DEPTH;
                int k = i % DEPTH;
                int output = firstOutput + line;
                float weight = 0;
                if (output < to) {
                    int first = start(table, counts, parts, output);
                    int part = part(table, counts, parts, output) + slot;
                    int at = table.get(tableRow + part) + (output - first) * rowBytes;
                    if (type >= Weights.Q4_K) {
                        weight = Weights.valueK(type, weights, at, depth + k);
                    } else if (type >= Weights.Q4_0) {
                        weight = Weights.valueBlock(type, weights, at, depth + k);
                    } else {
                        weight = Weights.valueFloat(type, weights, at, depth + k);
                    }
                }
                weightTile[line * STRIDE + k] = weight;
                float value = 0;
                if (firstRow + line < rows) {
                    value = x.get((firstRow + line) * columns + depth + k);
                }
                inputTile[line * STRIDE + k] = value;
            }
            context.localBarrier();
            for (int k = 0; k < DEPTH; k++) {
                float value = inputTile[ownRow * STRIDE + k];
                sum0 += value * weightTile[ownOutputs * STRIDE + k];
                sum1 += value * weightTile[(ownOutputs + 1) * STRIDE + k];
                sum2 += value * weightTile[(ownOutputs + 2) * STRIDE + k];
                sum3 += value * weightTile[(ownOutputs + 3) * STRIDE + k];
            }
            context.localBarrier();
        }
        int row = firstRow + ownRow;
        int output = firstOutput + ownOutputs;
        if (row < rows) {
            store(table, tableRow, vectors, y, row, output, slot, parts, to, add, sum0);
            store(table, tableRow, vectors, y, row, output + 1, slot, parts, to, add, sum1);
            store(table, tableRow, vectors, y, row, output + 2, slot, parts, to, add, sum2);
            store(table, tableRow, vectors, y, row, output + 3, slot, parts, to, add, sum3);
        }
    }

    private static void store(
            IntArray table,
            int tableRow,
            FloatArray vectors,
            FloatArray y,
            int row,
            int output,
            int slot,
            int parts,
            int to,
            int add,
            float sum) {
        if (output < to) {
            int counts = tableRow + Layout.OUTPUTS + slot;
            int first = start(table, counts, parts, output);
            int part = part(table, counts, parts, output) + slot;
            int scalars = table.get(tableRow + Layout.SCALARS);
            float result = sum * vectors.get(scalars + part);
            int bias = table.get(tableRow + Layout.BIAS + part);
            if (bias >= 0) {
                result += vectors.get(bias + output - first);
            }
            int at = row * width(table, counts, parts) + output;
            if (add == 1) {
                result = y.get(at) + vectors.get(scalars + Layout.RESIDUAL_SCALE) * result;
            }
            y.set(at, result);
        }
    }

    /** Which of the matrices side by side an output belongs to; {@code counts} is the column of the first one's outputs. */
    private static int part(IntArray table, int counts, int parts, int output) {
        int part = 0;
        if (parts > 1 && output >= table.get(counts)) {
            part = 1;
            if (parts > 2 && output >= table.get(counts) + table.get(counts + 1)) {
                part = 2;
            }
        }
        return part;
    }

    /** The first output of the matrix an output belongs to. */
    private static int start(IntArray table, int counts, int parts, int output) {
        int start = 0;
        if (parts > 1 && output >= table.get(counts)) {
            start = table.get(counts);
            if (parts > 2 && output >= start + table.get(counts + 1)) {
                start = start + table.get(counts + 1);
            }
        }
        return start;
    }

    /** Outputs of all matrices together. */
    private static int width(IntArray table, int counts, int parts) {
        int width = table.get(counts);
        if (parts > 1) {
            width = width + table.get(counts + 1);
        }
        if (parts > 2) {
            width = width + table.get(counts + 2);
        }
        return width;
    }
}
