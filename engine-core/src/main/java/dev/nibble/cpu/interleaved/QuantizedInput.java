package dev.nibble.cpu.interleaved;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.vector.Lanes;
import java.util.Arrays;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * Input rows rounded to 8 bits, with a scale for each block of 32 columns: {@code x ≈ scale · q},
 * {@code scale = max|x| / 127}.
 *
 * <p>A batch lies in tiles of {@link #TILE} input rows, side by side for each column: [tiles, columns, TILE]; the last tile is
 * filled up with zeros. Few input rows, fewer than {@link InterleavedKernel#MIN_BATCH}, lie one behind the other.
 */
final class QuantizedInput extends MatmulInput.Packed implements WorkerPool.Job {
    /** Columns of a block. */
    static final int BLOCK = 32;

    /** Input rows of a tile in a batch. */
    static final int TILE = 4;

    /** Adding it to a float rounds to an integer, which then stands in the low bits. */
    private static final float ROUND = 0x1.8p23f;

    /** Exponent of the usual factor of lifted scales: enough for activations below 2^18. */
    private static final int LIFT = 96;

    private static final int VECTORS = BLOCK / Lanes.COUNT;

    /** Blocks that a worker packs at a time. */
    private static final int GRAIN = 4;

    private int inputs;
    private int blocks;

    /** Input rows side by side: those of a tile, or one. */
    private int width;

    /** Counts the inputs, to know whether a copy is of the present one. */
    private long fills;

    private Factors[] copies = new Factors[0];
    private float[] source = new float[0];
    private @Nullable WorkerPool pool;

    private int[] pairs = new int[0]; // [tiles, columns, width]: q in both halves of an int
    private float[] scales = new float[0]; // [tiles, blocks, width]
    private float[] totals = new float[0]; // [tiles, blocks, width]: scale times the sum of q

    // of few input rows, see lift
    private float[] liftedScales = new float[0];
    private float[] liftedTotals = new float[0];
    private final float[] drops = new float[InterleavedKernel.MIN_BATCH];

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

    private void fill(MatmulInput x, WorkerPool workers) {
        pool = workers;
        inputs = x.rows();
        blocks = x.columns() / BLOCK;
        width = inputs < InterleavedKernel.MIN_BATCH ? 1 : TILE;
        source = x.values();
        fills++;
        int count = blocks * Math.ceilDiv(inputs, width) * width;
        if (scales.length < count) {
            pairs = new int[Math.multiplyExact(count, BLOCK)];
            scales = new float[count];
            totals = new float[count];
        }
        if (width == 1) {
            for (int index = 0; index < count; index++) {
                quantize(source, index * BLOCK, index, pairs, index * BLOCK);
            }
            if (liftedScales.length < count) {
                liftedScales = new float[count];
                liftedTotals = new float[count];
            }
            for (int input = 0; input < inputs; input++) {
                lift(input);
            }
        } else {
            workers.forEach(blocks, GRAIN, this);
        }
    }

    @Override
    public void run(int worker, int from, int to) {
        int[] rounded = RowTask.of(Objects.requireNonNull(pool).scratch(worker)).rounded;
        for (int tile = 0; tile * width < inputs; tile++) {
            for (int i = 0; i < width; i++) {
                int input = tile * width + i;
                for (int block = from; block < to; block++) {
                    int index = (tile * blocks + block) * width + i;
                    if (input < inputs) {
                        quantize(source, (input * blocks + block) * BLOCK, index, rounded, 0);
                    } else {
                        Arrays.fill(rounded, 0);
                        scales[index] = 0;
                        totals[index] = 0;
                    }
                    int at = (tile * blocks + block) * BLOCK * width + i;
                    for (int k = 0; k < BLOCK; k++) {
                        pairs[at + k * width] = rounded[k];
                    }
                }
            }
        }
    }

    /** Rounds a block of {@code x} to {@code out}, each value into both halves of an int. */
    private void quantize(float[] x, int at, int index, int[] out, int to) {
        FloatVector largest = Lanes.load(x, at).abs();
        for (int i = 1; i < VECTORS; i++) {
            largest = largest.max(Lanes.load(x, at + i * Lanes.COUNT).abs());
        }
        float max = largest.reduceLanes(VectorOperators.MAX);
        float scale = max / 127;
        // a block of values so small that the inverse overflows is a block of zeros
        float inverse = scale >= 0x1p-126f ? 1 / scale : 0;
        IntVector sums = IntVector.zero(Lanes.I);
        for (int i = 0; i < VECTORS; i++) {
            IntVector q = Lanes.load(x, at + i * Lanes.COUNT)
                    .mul(inverse)
                    .add(ROUND)
                    .reinterpretAsInts()
                    .sub(Float.floatToRawIntBits(ROUND));
            sums = sums.add(q);
            q.and(0xffff).or(q.lanewise(VectorOperators.LSHL, 16)).intoArray(out, to + i * Lanes.COUNT);
        }
        // a NaN or an infinity makes the results NaN, as it does without rounding
        scales[index] = Float.isFinite(max) ? inverse == 0 ? 0 : scale : Float.NaN;
        totals[index] = scales[index] * sums.reduceLanes(VectorOperators.ADD);
    }

    /**
     * Multiplies the scales and totals of an input row by a power of 2, so that what they are multiplied with may lack it:
     * halves that were only moved to the bits they have in floats lack 2^112. That would overflow, so results lack the
     * rest, {@link #drop}. The power is such that the largest sum of a slot or a block, below 2^20, does not overflow.
     */
    private void lift(int input) {
        int from = input * blocks;
        float largest = 0;
        for (int i = from; i < from + blocks; i++) {
            largest = Math.max(largest, scales[i]);
        }
        int exponent = Math.min(LIFT, 106 - Math.getExponent(largest));
        float lift = Math.scalb(1f, exponent);
        for (int i = from; i < from + blocks; i++) {
            liftedScales[i] = scales[i] * lift;
            liftedTotals[i] = totals[i] * lift;
        }
        drops[input] = Math.scalb(1f, 112 - exponent);
    }

    /** Makes what {@link #factors} returns. */
    void multiplyBy(UnmaskedFields terms) {
        Factors factors = find(terms);
        if (factors == null) {
            factors = new Factors(terms);
            copies = Arrays.copyOf(copies, copies.length + 1);
            copies[copies.length - 1] = factors;
        }
        if (factors.filled != fills) {
            factors.fill(pairs, inputs, blocks);
            factors.filled = fills;
        }
    }

    /** What the words of quants are multiplied with, of few input rows. */
    Factors factors(UnmaskedFields terms) {
        Factors factors = find(terms);
        if (factors == null || factors.filled != fills) {
            throw new IllegalStateException("the input was not prepared");
        }
        return factors;
    }

    private @Nullable Factors find(UnmaskedFields terms) {
        for (Factors copy : copies) {
            if (copy.terms == terms) {
                return copy;
            }
        }
        return null;
    }

    /** Activations in the order and the form that {@link UnmaskedFields} ask for, input row by input row. */
    static final class Factors {
        private final UnmaskedFields terms;
        private final int[] scratch;
        private int[] values = new int[0];
        private int[] begins = new int[0];
        private int slots;
        private long filled = -1;

        private Factors(UnmaskedFields terms) {
            this.terms = terms;
            scratch = new int[terms.scratch()];
        }

        private void fill(int[] source, int inputs, int blocks) {
            slots = blocks * BLOCK / terms.columns();
            if (values.length < inputs * inputValues()) {
                values = new int[inputs * inputValues()];
                begins = new int[inputs * slots + 1]; // loops look at the next one
            }
            for (int input = 0; input < inputs; input++) {
                int at = input * blocks * BLOCK;
                terms.fill(source, at, slots, scratch, values, input * inputValues(), begins, input * slots);
            }
        }

        /** Factors of the terms, each in both halves of an int. */
        int[] values() {
            return values;
        }

        /** Values of an input row. */
        int inputValues() {
            return slots * terms.count();
        }

        /** {@link UnmaskedFields#begin} of each slot. */
        int[] begins() {
            return begins;
        }

        /** Slots of an input row. */
        int slots() {
            return slots;
        }
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

    /** The scales of few input rows for weight scales without 2^112; results are to be multiplied by {@link #drop}. */
    float[] liftedScales() {
        return liftedScales;
    }

    /** As {@link #liftedScales}. */
    float[] liftedTotals() {
        return liftedTotals;
    }

    /** What results of lifted scales lack. */
    float drop(int input) {
        return drops[input];
    }
}
