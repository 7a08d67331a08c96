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

    private Factors[] copies = new Factors[0];
    private float[] source = new float[0];

    private int[] pairs = new int[0]; // [blocks, stride, BLOCK]: q in both halves of an int
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
        for (int i = index * BLOCK; i < (index + 1) * BLOCK; i++) {
            total += pairs[i] >> 16;
        }
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

    /** Makes what {@link #factors} returns. */
    void multiplyBy(Terms terms, int center) {
        Factors factors = find(terms);
        if (factors == null) {
            factors = new Factors(terms, center);
            copies = Arrays.copyOf(copies, copies.length + 1);
            copies[copies.length - 1] = factors;
        }
        if (factors.filled != fills) {
            factors.fill(pairs, tokens, stride, blocks);
            factors.filled = fills;
        }
    }

    /** What the words of quants are multiplied with. */
    Factors factors(Terms terms) {
        Factors factors = find(terms);
        if (factors == null || factors.filled != fills) {
            throw new IllegalStateException("the input was not prepared");
        }
        return factors;
    }

    private @Nullable Factors find(Terms terms) {
        for (Factors copy : copies) {
            if (copy.terms == terms) {
                return copy;
            }
        }
        return null;
    }

    /** Activations in the order and the form that {@link Terms} ask for, token by token. */
    static final class Factors {
        private final Terms terms;
        private final int center;
        private int[] values = new int[0];
        private int[] begins = new int[0];
        private int slots;
        private long filled = -1;

        private Factors(Terms terms, int center) {
            this.terms = terms;
            this.center = center;
        }

        private void fill(int[] source, int tokens, int stride, int blocks) {
            slots = blocks * BLOCK / terms.columns();
            if (values.length < tokens * tokenValues()) {
                values = new int[tokens * tokenValues()];
                begins = new int[tokens * slots];
            }
            for (int token = 0; token < tokens; token++) {
                for (int slot = 0; slot < slots; slot++) {
                    int column = slot * terms.columns();
                    int at = ((column >> 5) * stride + token) * BLOCK + (column & 31);
                    terms.fill(source, at, values, token * tokenValues() + slot * terms.count());
                    int sum = 0;
                    for (int i = at; i < at + terms.columns(); i++) {
                        sum += source[i] >> 16;
                    }
                    begins[token * slots + slot] = Shorts.pairOf(-center * sum);
                }
            }
        }

        /** Factors of the terms, each in both halves of an int. */
        int[] values() {
            return values;
        }

        /** Values of a token. */
        int tokenValues() {
            return slots * terms.count();
        }

        /** For each slot, minus center times the activations: what makes sums those of centered quants. As values. */
        int[] begins() {
            return begins;
        }

        /** Slots of a token. */
        int slots() {
            return slots;
        }
    }

    /** Tokens between blocks, the spare ones included: index of a block and token is {@code block * stride + token}. */
    int stride() {
        return stride;
    }

    int[] pairs() {
        return pairs;
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
