package dev.nibble.cpu.kernel;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WorkerPool;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The products {@code A x} of an input's rows with the first matrices of adapters, which are small; made before a layer is
 * divided among the threads, and kept until the input has new values. Belongs to a {@link MatmulInput}.
 */
final class LowRankInput {
    /** Rows whose results are held at a time, of all outputs that a worker computes. */
    private static final int ROWS_AT_ONCE = 16;

    private final MatmulInput x;
    private final RowAdapters adapters;
    private Slot[] slots = new Slot[0];
    private int used;
    private long version = -1;

    LowRankInput(MatmulInput x, RowAdapters adapters) {
        this.x = x;
        this.adapters = adapters;
    }

    /** The products with one matrix of the rows from {@code first} on. */
    private final class Slot implements WorkerPool.Job {
        private @Nullable LowRankProduct product;
        private @Nullable WorkerPool pool; // while it runs
        private MatmulInput values = new MatmulInput(0, 0);
        private int first;

        void compute(LowRankProduct newProduct, int from, int to, WorkerPool workers) {
            product = newProduct;
            first = from;
            int rank = newProduct.a().rows();
            if (values.values().length < (long) (to - from) * rank) {
                values.close();
                values = new MatmulInput(to - from, rank);
            }
            pool = workers;
            newProduct.a().prepare(x, workers);
            workers.forEach(to - from, Math.max(1, Math.ceilDiv(to - from, workers.threads())), this);
            values.reset(to - from, rank);
            newProduct.b().prepare(values, workers);
        }

        @Override
        public void run(int worker, int from, int to) {
            LowRankProduct own = Objects.requireNonNull(product);
            Scratch scratch = Objects.requireNonNull(pool).scratch(worker);
            int rank = own.a().rows();
            for (int row = from; row < to; ) {
                int end = endOfRun(own, first + row, first + to) - first;
                if (scale(own, first + row) != 0) {
                    own.a().multiply(x, first + row, end - row, values.values(), row * rank, rank, 0, rank, scratch);
                } else {
                    Arrays.fill(values.values(), row * rank, end * rank, 0);
                }
                row = end;
            }
        }
    }

    private float scale(LowRankProduct product, int row) {
        return adapters.scale(x.batchRow(row), product.adapter());
    }

    /** End of the rows from {@code row} on that all use the adapter, or all do not. */
    private int endOfRun(LowRankProduct product, int row, int to) {
        boolean uses = scale(product, row) != 0;
        int end = row + 1;
        while (end < to && scale(product, end) != 0 == uses) {
            end++;
        }
        return end;
    }

    /** Makes the products of rows that a layer will need; no effect where they are there or no row uses them. */
    void prepare(LowRankProduct[] products, int from, int to, WorkerPool pool) {
        if (version != x.version()) {
            version = x.version();
            used = 0;
        }
        for (LowRankProduct product : products) {
            boolean unused = scale(product, from) == 0 && endOfRun(product, from, to) == to;
            if (!unused && find(product) == null) {
                if (used == slots.length) {
                    slots = Arrays.copyOf(slots, used + 1);
                    slots[used] = new Slot();
                }
                slots[used++].compute(product, from, to, pool);
            }
        }
    }

    private @Nullable Slot find(LowRankProduct product) {
        for (int i = 0; i < used; i++) {
            if (slots[i].product == product) {
                return slots[i];
            }
        }
        return null;
    }

    /** Adds the products to outputs [from, to) of {@code rows} rows from {@code row} on, as {@link Linear#multiply} places them. */
    void add(
            LowRankProduct[] products,
            int row,
            int rows,
            float[] y,
            int yOffset,
            int yStride,
            int from,
            int to,
            Scratch scratch) {
        for (LowRankProduct product : products) {
            Slot slot = version == x.version() ? find(product) : null;
            if (slot == null) {
                continue;
            }
            for (int first = row; first < row + rows; ) {
                int end = Math.min(endOfRun(product, first, row + rows), first + ROWS_AT_ONCE);
                if (scale(product, first) != 0) {
                    addRun(slot, product, first, end, y, yOffset + (first - row) * yStride, yStride, from, to, scratch);
                }
                first = end;
            }
        }
    }

    private void addRun(
            Slot slot,
            LowRankProduct product,
            int row,
            int end,
            float[] y,
            int yOffset,
            int yStride,
            int from,
            int to,
            Scratch scratch) {
        int width = to - from;
        float[] results = scratch.part(Results.class, Results::new).of(ROWS_AT_ONCE * width);
        product.b().multiply(slot.values, row - slot.first, end - row, results, -from, width, from, to, scratch);
        for (int i = 0; i < end - row; i++) {
            float factor = scale(product, row + i) * product.factor();
            int at = yOffset + i * yStride + from;
            for (int n = 0; n < width; n++) {
                y[at + n] += factor * results[i * width + n];
            }
        }
    }

    /** A worker's results until they are added. */
    private static final class Results {
        private float[] values = new float[0];

        float[] of(int size) {
            if (values.length < size) {
                values = new float[size];
            }
            return values;
        }
    }

    /** Frees what is held outside the heap. */
    void close() {
        version = -1;
        for (Slot slot : slots) {
            slot.values.close();
        }
    }
}
