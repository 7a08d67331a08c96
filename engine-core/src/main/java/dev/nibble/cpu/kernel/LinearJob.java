package dev.nibble.cpu.kernel;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WorkerPool;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The parallel region of one or more {@link Linear} layers over one input: their outputs laid end to end, cut into
 * chunks. It belongs to the input and is used again and again, so that a region allocates nothing.
 */
public final class LinearJob implements WorkerPool.Job {
    /** Chunks start at multiples of this, so that a kernel's tiles of rows are whole except at the end of a layer. */
    static final int GRAIN = 128;

    private final MatmulInput x;
    private @Nullable WorkerPool pool; // while it runs
    private int count;
    private int outputs;
    private Linear[] layers = new Linear[4];
    private float[][] ys = new float[4][];
    private int[] yOffsets = new int[4];
    private int[] yStrides = new int[4];
    private int[] starts = new int[4];

    LinearJob(MatmulInput x) {
        this.x = x;
    }

    /** Begins anew, without layers. */
    LinearJob start() {
        count = 0;
        outputs = 0;
        return this;
    }

    /**
     * Adds a layer, whose outputs of all rows go to {@code y[yOffset + row * yStride + output]}.
     *
     * @throws IllegalArgumentException if the input has another width than the layer, or {@code y} is too small
     */
    public LinearJob add(Linear layer, float[] y, int yOffset, int yStride) {
        check(x, layer, y, yOffset, yStride);
        if (count == layers.length) {
            layers = Arrays.copyOf(layers, 2 * count);
            ys = Arrays.copyOf(ys, 2 * count);
            yOffsets = Arrays.copyOf(yOffsets, 2 * count);
            yStrides = Arrays.copyOf(yStrides, 2 * count);
            starts = Arrays.copyOf(starts, 2 * count);
        }
        layers[count] = layer;
        ys[count] = y;
        yOffsets[count] = yOffset;
        yStrides[count] = yStride;
        starts[count] = outputs;
        outputs = Math.addExact(outputs, layer.outputSize());
        count++;
        return this;
    }

    private static void check(MatmulInput input, Linear layer, float[] y, int yOffset, int yStride) {
        if (input.columns() != layer.inputSize()) {
            throw new IllegalArgumentException(
                    "the input has " + input.columns() + " columns, the layer takes " + layer.inputSize());
        }
        long last = yOffset + (long) (input.rows() - 1) * yStride + layer.outputSize();
        if (input.rows() > 0 && (yOffset < 0 || yStride < 0 || last > y.length)) {
            throw new IllegalArgumentException(input.rows() + " rows of " + layer.outputSize() + " outputs at "
                    + yOffset + " with stride " + yStride + " do not fit " + y.length + " values");
        }
    }

    /** Multiplies the input with all layers that were added. */
    public void run(WorkerPool workers) {
        if (x.rows() == 0 || count == 0) {
            return;
        }
        pool = workers;
        for (int i = 0; i < count; i++) {
            layers[i].prepare(x, workers);
        }
        workers.forEachShrinking(outputs, GRAIN, this, layers[0].loop(x));
        Arrays.fill(ys, 0, count, null); // the workspace may be given back
    }

    @Override
    public void run(int worker, int from, int to) {
        Scratch scratch = Objects.requireNonNull(pool).scratch(worker);
        for (int i = 0; i < count; i++) {
            int begin = Math.max(0, from - starts[i]);
            int end = Math.min(layers[i].outputSize(), to - starts[i]);
            if (begin < end) {
                layers[i].multiply(x, ys[i], yOffsets[i], yStrides[i], begin, end, scratch);
            }
        }
    }
}
