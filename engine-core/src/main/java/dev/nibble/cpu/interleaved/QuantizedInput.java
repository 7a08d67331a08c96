package dev.nibble.cpu.interleaved;

import dev.nibble.cpu.MatmulInput;
import dev.nibble.cpu.WorkerPool;
import dev.nibble.cpu.vector.Lanes;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * Input rows (tokens) rounded to 8 bits, with a scale for each block of 32 columns: {@code x ≈ scale · q},
 * {@code scale = max|x| / 127}.
 *
 * <p>Everything lies block by block, within a block token by token, so that a batch reads a block of all tokens in one
 * stream. Behind the last token there is room for {@link #SPARE} more, zeros, so that tiles of tokens need no ends.
 */
final class QuantizedInput extends MatmulInput.Packed implements WorkerPool.Job {
    /** Columns of a block. */
    static final int BLOCK = 32;

    /** Tokens behind the last one that a tile may read. */
    static final int SPARE = 3;

    /** Adding it to a float rounds to an integer, which then stands in the low bits. */
    private static final float ROUND = 0x1.8p23f;

    private static final int VECTORS = BLOCK / Lanes.COUNT;

    /** Blocks that a worker packs at a time. */
    private static final int GRAIN = 4;

    private int tokens;
    private int stride;
    private int blocks;
    private boolean hasValues;

    /** Counts the inputs, to know whether a copy is of the present one. */
    private long fills;

    private Ordered[] copies = new Ordered[0];
    private float[] source = new float[0];

    private int[] pairs = new int[0]; // [blocks, stride, BLOCK]: q in both halves of an int
    private int[] offsets = new int[0]; // [blocks, stride]: -8 · the sum of q, as a pair
    private int[] eighths = new int[0]; // [blocks, stride, 4]: the sums of 8 q each
    private float[] scales = new float[0]; // [blocks, stride]
    private float[] totals = new float[0]; // [blocks, stride]: scale times the sum of q
    private float[] values = new float[0]; // [blocks, stride, BLOCK]: scale · q

    /** Packs the rows of {@code x} unless that is done. */
    static QuantizedInput pack(MatmulInput x, WorkerPool pool) {
        QuantizedInput present = x.packed(QuantizedInput.class);
        if (present != null) {
            return present;
        }
        QuantizedInput form = x.repack(QuantizedInput.class, QuantizedInput::new);
        form.fill(x, pool);
        return form;
    }

    private void fill(MatmulInput x, WorkerPool pool) {
        tokens = x.rows();
        blocks = x.columns() / BLOCK;
        stride = tokens < InterleavedKernel.MIN_BATCH ? tokens : tokens + SPARE;
        source = x.values();
        hasValues = false;
        fills++;
        int size = Math.multiplyExact(blocks * stride, BLOCK);
        if (pairs.length < size) {
            pairs = new int[size];
            offsets = new int[blocks * stride];
            eighths = new int[4 * blocks * stride];
            scales = new float[blocks * stride];
            totals = new float[blocks * stride];
        }
        if (tokens < InterleavedKernel.MIN_BATCH) {
            run(0, 0, blocks);
        } else {
            pool.forEach(blocks, GRAIN, this);
        }
    }

    @Override
    public void run(int worker, int from, int to) {
        for (int block = from; block < to; block++) {
            for (int token = 0; token < tokens; token++) {
                quantize(source, (token * blocks + block) * BLOCK, block * stride + token);
            }
            for (int spare = block * stride + tokens; spare < (block + 1) * stride; spare++) {
                Arrays.fill(pairs, spare * BLOCK, (spare + 1) * BLOCK, 0);
                offsets[spare] = 0;
                Arrays.fill(eighths, 4 * spare, 4 * spare + 4, 0);
                scales[spare] = 0;
                totals[spare] = 0;
            }
        }
    }

    private void quantize(float[] x, int at, int index) {
        FloatVector largest = Lanes.load(x, at).abs();
        for (int i = 1; i < VECTORS; i++) {
            largest = largest.max(Lanes.load(x, at + i * Lanes.COUNT).abs());
        }
        float max = largest.reduceLanes(VectorOperators.MAX);
        float scale = max / 127;
        // a block of values so small that the inverse overflows is a block of zeros
        float inverse = scale >= 0x1p-126f ? 1 / scale : 0;
        for (int i = 0; i < VECTORS; i++) {
            IntVector q = Lanes.load(x, at + i * Lanes.COUNT)
                    .mul(inverse)
                    .add(ROUND)
                    .reinterpretAsInts()
                    .sub(Float.floatToRawIntBits(ROUND));
            q.and(0xffff).or(q.lanewise(VectorOperators.LSHL, 16)).intoArray(pairs, index * BLOCK + i * Lanes.COUNT);
        }
        int total = 0;
        for (int eighth = 0; eighth < 4; eighth++) {
            int sum = 0;
            for (int i = index * BLOCK + 8 * eighth; i < index * BLOCK + 8 * eighth + 8; i++) {
                sum += pairs[i] >> 16;
            }
            eighths[4 * index + eighth] = sum;
            total += sum;
        }
        offsets[index] = Shorts.pairOf(-FourBits.CENTER * total);
        // a NaN or an infinity makes the results NaN, as it does without rounding
        scales[index] = Float.isFinite(max) ? inverse == 0 ? 0 : scale : Float.NaN;
        totals[index] = scales[index] * total;
    }

    /** Makes {@link #values()}. */
    void expand(WorkerPool pool) {
        if (hasValues) {
            return;
        }
        if (values.length < pairs.length) {
            values = new float[pairs.length];
        }
        pool.forEach(blocks, GRAIN, this::expandBlocks);
        hasValues = true;
    }

    private void expandBlocks(int worker, int from, int to) {
        for (int index = from * stride; index < to * stride; index++) {
            float scale = scales[index];
            for (int at = index * BLOCK; at < (index + 1) * BLOCK; at += Lanes.COUNT) {
                Shorts.floats(Shorts.odd(IntVector.fromArray(Lanes.I, pairs, at)))
                        .mul(scale)
                        .intoArray(values, at);
            }
        }
    }

    /** Makes the copy that {@link #ordered} returns. */
    void order(Order order) {
        Ordered copy = find(order);
        if (copy == null) {
            copy = new Ordered(order);
            copies = Arrays.copyOf(copies, copies.length + 1);
            copies[copies.length - 1] = copy;
        }
        if (copy.filled != fills) {
            copy.fill(pairs, tokens, stride, blocks);
            copy.filled = fills;
        }
    }

    /** The pairs of token after token in another order of columns, [tokens, columns]. */
    int[] ordered(Order order) {
        Ordered copy = find(order);
        if (copy == null || copy.filled != fills) {
            throw new IllegalStateException("the input was not prepared");
        }
        return copy.pairs;
    }

    private @Nullable Ordered find(Order order) {
        for (Ordered copy : copies) {
            if (copy.order == order) {
                return copy;
            }
        }
        return null;
    }

    private static final class Ordered {
        final Order order;
        int[] pairs = new int[0];
        long filled = -1;

        Ordered(Order order) {
            this.order = order;
        }

        void fill(int[] source, int tokens, int stride, int blocks) {
            int columns = blocks * BLOCK;
            if (pairs.length < tokens * columns) {
                pairs = new int[tokens * columns];
            }
            for (int token = 0; token < tokens; token++) {
                for (int k = 0; k < columns; k++) {
                    int from = order.column(k);
                    pairs[token * columns + k] = source[((from >> 5) * stride + token) * BLOCK + (from & 31)];
                }
            }
        }
    }

    /** Tokens between blocks, the spare ones included: index of a block and token is {@code block * stride + token}. */
    int stride() {
        return stride;
    }

    int[] pairs() {
        return pairs;
    }

    /** Where 16-bit sums over quants of 4 bits begin, that are centered by {@link FourBits#CENTER}. */
    int[] offsets() {
        return offsets;
    }

    /** Sums of 8 values: index of a block and token, times four. */
    int[] eighths() {
        return eighths;
    }

    float[] scales() {
        return scales;
    }

    float[] totals() {
        return totals;
    }

    float[] values() {
        return values;
    }
}
