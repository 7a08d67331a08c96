package dev.nibble.cpu.kernel;

import dev.nibble.cpu.pool.ReadAhead;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WorkerPool;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer: {@code y = scale · (x · Wᵀ) + bias}, and for rows that use adapters what these add. Immutable and
 * thread-safe.
 */
public final class Linear {
    /** Outputs that a thread takes at a time are a multiple of this, but at the end of a layer. */
    public static final int GRAIN = LinearJob.GRAIN;

    private final MatmulKernel kernel;
    private final float @Nullable [] bias;
    private final float scale;
    private final ReadAhead.@Nullable Loop loop;
    private final LowRankProduct[] adapters;

    /**
     * A layer over a weight matrix, without adapters.
     *
     * @param bias one value for each output, or null
     * @param scale factor of the product, 1 for none
     * @throws IllegalArgumentException if the bias has another length than the layer's outputs
     */
    public Linear(MatmulKernel kernel, float @Nullable [] bias, float scale) {
        this(kernel, bias, scale, LowRankProduct.NONE);
    }

    /** Likewise with what adapters may add. */
    Linear(MatmulKernel kernel, float @Nullable [] bias, float scale, LowRankProduct[] adapters) {
        this.adapters = adapters;
        if (bias != null && bias.length != kernel.rows()) {
            throw new IllegalArgumentException(
                    "the bias has " + bias.length + " values, the weight matrix " + kernel.rows() + " rows");
        }
        this.kernel = kernel;
        this.bias = bias;
        this.scale = scale;
        loop = ReadAhead.Loop.of(kernel);
    }

    /** Values of an input row. */
    public int inputSize() {
        return kernel.columns();
    }

    /** Values of an output row. */
    public int outputSize() {
        return kernel.rows();
    }

    public MatmulKernel kernel() {
        return kernel;
    }

    /** To be called before {@link #multiply}, by the thread that divides the work: makes what its kernels need of {@code x}. */
    public void prepare(MatmulInput x, WorkerPool pool) {
        prepare(x, 0, x.rows(), pool);
    }

    /** Likewise where only rows [from, to) will be multiplied. */
    public void prepare(MatmulInput x, int from, int to, WorkerPool pool) {
        kernel.prepare(x, pool);
        if (adapters.length > 0 && from < to) {
            LowRankInput lowRank = x.lowRank();
            if (lowRank != null) {
                lowRank.prepare(adapters, from, to, pool);
            }
        }
    }

    /** The parallel loop that begins with this layer, to read ahead of; null if there is nothing to be read, or reading does not set its pace. */
    public ReadAhead.@Nullable Loop loop(MatmulInput x) {
        return x.rows() <= ReadAhead.MAX_ROWS ? loop : null;
    }

    /**
     * Computes the outputs of all rows of {@code x}: {@code y[yOffset + row * yStride + output]}.
     *
     * @throws IllegalArgumentException if {@code x} has another width than the layer, or {@code y} is too small
     */
    public void apply(WorkerPool pool, MatmulInput x, float[] y, int yOffset, int yStride) {
        x.layers().add(this, y, yOffset, yStride).run(pool);
    }

    /** Computes outputs [from, to) of all rows of {@code x}. */
    public void multiply(MatmulInput x, float[] y, int yOffset, int yStride, int from, int to, Scratch scratch) {
        multiply(x, 0, x.rows(), y, yOffset, yStride, from, to, scratch);
    }

    /** Computes outputs [from, to) of {@code rows} rows of {@code x} from {@code xRow} on; their results are adjacent. */
    public void multiply(
            MatmulInput x, int xRow, int rows, float[] y, int yOffset, int yStride, int from, int to, Scratch scratch) {
        kernel.multiply(x, xRow, rows, y, yOffset, yStride, from, to, scratch);
        if (scale != 1 || bias != null) {
            for (int row = 0; row < rows; row++) {
                int at = yOffset + row * yStride;
                for (int n = from; n < to; n++) {
                    y[at + n] = scale * y[at + n] + (bias == null ? 0 : bias[n]);
                }
            }
        }
        LowRankInput lowRank = adapters.length == 0 ? null : x.lowRank();
        if (lowRank != null) {
            lowRank.add(adapters, xRow, rows, y, yOffset, yStride, from, to, scratch);
        }
    }
}
