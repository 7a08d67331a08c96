package dev.nibble.tornado.kernels;

import dev.nibble.model.Activation;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** What is done to each row between the matrix multiplications. */
public final class RowKernels {
    public static final int SILU = 0;
    public static final int GELU_TANH = 1;
    public static final int RELU_SQUARED = 2;

    /** Work-items of a group of {@link #rmsNorm}, which does one row; of the others the usual size of a group. */
    public static final int LANES = 64;

    /** {@link #rmsNorm} replaces the target, or adds to it. */
    public static final int REPLACE = 0;

    public static final int ADD = 1;

    private static final float LARGEST_EXPONENT = 80;

    private RowKernels() {}

    /** The number of an activation for the kernels, or -1 for one they do not have. */
    public static int code(Activation activation) {
        if (activation == Activation.SILU) {
            return SILU;
        }
        if (activation == Activation.GELU_TANH) {
            return GELU_TANH;
        }
        return activation == Activation.RELU_SQUARED ? RELU_SQUARED : -1;
    }

    /**
     * The embedding of each row's token, if its row of the matrix is among the {@code count} from {@code first} on. A
     * work-item makes one element.
     *
     * @param at byte offset of the first of these rows
     * @param x [rows, columns]
     */
    public static void embed(
            KernelContext context,
            IntArray batch,
            ByteArray weights,
            FloatArray x,
            int type,
            int columns,
            int at,
            int first,
            int count,
            float scale) {
        int id = context.globalIdx;
        int row = id / columns;
        if (row >= batch.get(Layout.ROWS)) {
            return;
        }
        int k = id % columns;
        int token = batch.get(Layout.BATCH_HEADER + row * Layout.ROW_SIZE + Layout.TOKEN) - first;
        if (token >= 0 && token < count) {
            int from = at + token * Weights.rowBytes(type, columns);
            float value = 0;
            if (type >= Weights.Q4_K) {
                value = Weights.valueK(type, weights, from, k);
            } else if (type >= Weights.Q4_0) {
                value = Weights.valueBlock(type, weights, from, k);
            } else {
                value = Weights.valueFloat(type, weights, from, k);
            }
            x.set(row * columns + k, value * scale);
        }
    }

    /**
     * RMS norm of each row: {@code y = norm(x)}, or {@code y += r · norm(x)} with the residual scale r.
     *
     * @param x [rows, width]
     * @param y [rows, width]
     */
    public static void rmsNorm(
            KernelContext context,
            IntArray batch,
            IntArray step,
            IntArray table,
            FloatArray vectors,
            FloatArray x,
            FloatArray y,
            int width,
            int norm,
            int mode) {
        float[] partial = context.allocateFloatLocalArray(LANES);
        int row = context.groupIdx;
        int lane = context.localIdx;
        int count = row < batch.get(Layout.ROWS) ? width : 0; // and no early return: a barrier follows
        int tableRow = step.get(Layout.TABLE_ROW) * Layout.COLUMNS;
        int scalars = table.get(tableRow + Layout.SCALARS);
        int gains = table.get(tableRow + norm);
        float squares = 0;
        for (int k = lane; k < count; k += LANES) {
            float value = x.get(row * width + k);
            squares += value * value;
        }
        partial[lane] = squares;
        context.localBarrier();
        float total = 0;
        for (int i = 0; i < LANES; i++) {
            total += partial[i];
        }
        float epsilon = vectors.get(scalars + Layout.EPSILONS + norm - Layout.NORMS);
        float factor = 1 / TornadoMath.sqrt(total / width + epsilon);
        float residualScale = vectors.get(scalars + Layout.RESIDUAL_SCALE);
        for (int k = lane; k < count; k += LANES) {
            float value = x.get(row * width + k) * factor * vectors.get(gains + k);
            if (mode == ADD) {
                value = y.get(row * width + k) + residualScale * value;
            }
            y.set(row * width + k, value);
        }
    }

    /**
     * {@code y = act(gate) · up}. A work-item makes one element.
     *
     * @param both [rows, 2, width]: gate, up
     * @param y [rows, width]
     */
    public static void activate(
            KernelContext context, IntArray batch, FloatArray both, FloatArray y, int width, int activation) {
        int id = context.globalIdx;
        int row = id / width;
        if (row >= batch.get(Layout.ROWS)) {
            return;
        }
        int k = id % width;
        float gate = both.get(row * 2 * width + k);
        float up = both.get(row * 2 * width + width + k);
        y.set(row * width + k, activated(activation, gate) * up);
    }

    /** Copies each row of the batch; where there is no norm. A work-item copies one element. */
    public static void copy(KernelContext context, IntArray batch, FloatArray x, FloatArray y, int width) {
        int id = context.globalIdx;
        if (id < batch.get(Layout.ROWS) * width) {
            y.set(id, x.get(id));
        }
    }

    static float activated(int activation, float x) {
        if (activation == SILU) {
            return x / (1 + exp(-x));
        }
        if (activation == GELU_TANH) {
            float inner = 0.7978846f * x * (1 + 0.044715f * x * x);
            return 0.5f * x * (1 + tanh(inner));
        }
        float positive = x > 0 ? x : 0;
        return positive * positive;
    }

    /** From the exponential alone, which every device has. */
    static float tanh(float x) {
        return 1 - 2 / (exp(2 * x) + 1);
    }

    /** The exponential, kept finite: a device may be told that there are no infinities. */
    static float exp(float x) {
        return TornadoMath.exp(x > LARGEST_EXPONENT ? LARGEST_EXPONENT : x);
    }
}
