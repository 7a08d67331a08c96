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
final class LinearJob implements WorkerPool.Job {
    /** Chunks start at multiples of this, so that a kernel's tiles of rows are whole except at the end of a layer. */
    static final int GRAIN = 128;

    private @Nullable MatmulInput x;
    private @Nullable WorkerPool pool;
    private int count;
    private int outputs;
    private Linear[] layers = new Linear[4];
    private float[][] ys = new float[4][];
    private int[] yOffsets = new int[4];
    private int[] yStrides = new int[4];
    private int[] starts = new int[4];

    void start(MatmulInput input) {
        x = input;
        count = 0;
        outputs = 0;
    }

    void add(Linear layer, float[] y, int yOffset, int yStride) {
        MatmulInput input = input();
        check(input, layer, y, yOffset, yStride);
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

    void run(WorkerPool workers) {
        pool = workers;
        MatmulInput input = input();
        if (input.rows() == 0) {
            return;
        }
        for (int i = 0; i < count; i++) {
            layers[i].kernel().prepare(input, workers);
        }
        workers.forEachShrinking(outputs, GRAIN, this, layers[0].loop(input));
    }

    @Override
    public void run(int worker, int from, int to) {
        MatmulInput input = input();
        Scratch scratch = Objects.requireNonNull(pool).scratch(worker);
        for (int i = 0; i < count; i++) {
            int begin = Math.max(0, from - starts[i]);
            int end = Math.min(layers[i].outputSize(), to - starts[i]);
            if (begin < end) {
                layers[i].multiply(input, ys[i], yOffsets[i], yStrides[i], begin, end, scratch);
            }
        }
    }

    private MatmulInput input() {
        if (x == null) {
            throw new IllegalStateException("the job was not started");
        }
        return x;
    }
}
