package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.HALF_BITS;
import static dev.nibble.cpu.interleaved.Shorts.LANES;
import static dev.nibble.cpu.interleaved.Shorts.S;
import static dev.nibble.cpu.interleaved.Shorts.VECTOR;
import static dev.nibble.cpu.interleaved.Shorts.load;
import static dev.nibble.cpu.interleaved.Shorts.pair;
import static dev.nibble.cpu.interleaved.Shorts.plain;
import static dev.nibble.cpu.vector.Lanes.F;
import static dev.nibble.cpu.vector.Lanes.I;
import static dev.nibble.cpu.vector.Lanes.LE;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * {@link OneInputLoops512} for groups of two parts.
 *
 * <p>How these loops are written is for the compiler. The inner ones have a constant number of turns, and what is needed
 * only at the end of a block is outside, so that 16 registers are enough within. What is done there calls the Vector API
 * only, no helpers: where a method has grown long, the compiler inlines nothing else, and what is not inlined boxes its
 * vectors. Shifts are variables because a constant one is made anew for each use.
 */
final class OneInputLoopsNarrow {
    private static final int UNIT = Quants.UNIT;
    private static final int BLOCK = GroupLayout.BLOCK;
    private static final int SUPER_BLOCKS = GroupLayout.SUPER_BLOCKS;

    private OneInputLoopsNarrow() {}

    /** Q4_0, Q4_1. */
    static void four(RowTask p) {
        four(
                p.data,
                p.at,
                p.columns / BLOCK,
                4,
                p.factors,
                p.factorsAt,
                p.begins,
                p.beginsAt,
                p.x.liftedScales(),
                p.x.liftedTotals(),
                p.layout.shifted() ? p.layout.quants().center() : 0,
                p.index,
                p.result,
                p.resultAt);
    }

    /** Q8_0. */
    static void eight(RowTask p) {
        eight(
                p.data,
                p.at,
                p.columns / BLOCK,
                8,
                p.factors,
                p.factorsAt,
                p.begins,
                p.beginsAt,
                p.x.liftedScales(),
                p.index,
                p.result,
                p.resultAt);
    }

    /** Q4_K. */
    static void fourK(RowTask p) {
        fourK(
                p.data,
                p.at + p.layout.superAt(0),
                p.at + p.layout.quantsAt(0),
                4,
                p.factors,
                p.factorsAt,
                p.begins,
                p.beginsAt,
                p.x.scales(),
                p.x.totals(),
                p.index,
                p.result,
                p.resultAt);
    }

    /**
     * Blocks of 4 bits.
     *
     * @param center of quants where blocks have a minimum, which takes it back; else 0
     */
    private static void four(
            MemorySegment data,
            long at,
            int blocks,
            int shift,
            int[] a,
            int from,
            int[] begins,
            int begin,
            float[] xScales,
            float[] xTotals,
            int center,
            int index,
            float[] y,
            int to) {
        MemorySegment memory = Shorts.memory(data);
        FloatVector even0 = FloatVector.fromArray(F, y, to);
        FloatVector odd0 = FloatVector.fromArray(F, y, to + HALF);
        FloatVector even1 = FloatVector.fromArray(F, y, to + LANES);
        FloatVector odd1 = FloatVector.fromArray(F, y, to + LANES + HALF);
        long next = at;
        for (int block = 0; block < blocks; block++) {
            ShortVector sum0 = pair(begins[begin + block]);
            ShortVector sum1 = sum0;
            int base = from + block * BLOCK;
            for (int i = 0; i < 8; i++) {
                long here = plain(next);
                next += UNIT;
                ShortVector w0 = load(data, here);
                ShortVector w1 = load(data, here + VECTOR);
                ShortVector x = pair(a[base + 4 * i]);
                sum0 = w0.mul(x).add(sum0);
                sum1 = w1.mul(x).add(sum1);
                w0 = w0.lanewise(LSHR, shift);
                w1 = w1.lanewise(LSHR, shift);
                x = pair(a[base + 4 * i + 1]);
                sum0 = w0.mul(x).add(sum0);
                sum1 = w1.mul(x).add(sum1);
                w0 = w0.lanewise(LSHR, shift);
                w1 = w1.lanewise(LSHR, shift);
                x = pair(a[base + 4 * i + 2]);
                sum0 = w0.mul(x).add(sum0);
                sum1 = w1.mul(x).add(sum1);
                w0 = w0.lanewise(LSHR, shift);
                w1 = w1.lanewise(LSHR, shift);
                x = pair(a[base + 4 * i + 3]);
                sum0 = w0.mul(x).add(sum0);
                sum1 = w1.mul(x).add(sum1);
            }
            long head = plain(next);
            next += UNIT;
            FloatVector scale = FloatVector.broadcast(F, xScales[index + block]);
            FloatVector centers = FloatVector.broadcast(F, center * xTotals[index + block]);
            IntVector sums = sum0.reinterpretAsInts();
            IntVector halves =
                    ShortVector.fromMemorySegment(S, memory, head, LE).reinterpretAsInts();
            FloatVector half =
                    halves.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            even0 = ((FloatVector) sums.lanewise(LSHL, 16).lanewise(ASHR, 16).convertShape(I2F, F, 0))
                    .fma(scale, centers)
                    .fma(half, even0);
            half = halves.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            odd0 = ((FloatVector) sums.lanewise(ASHR, 16).convertShape(I2F, F, 0))
                    .fma(scale, centers)
                    .fma(half, odd0);
            sums = sum1.reinterpretAsInts();
            halves = ShortVector.fromMemorySegment(S, memory, head + VECTOR, LE).reinterpretAsInts();
            half = halves.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            even1 = ((FloatVector) sums.lanewise(LSHL, 16).lanewise(ASHR, 16).convertShape(I2F, F, 0))
                    .fma(scale, centers)
                    .fma(half, even1);
            half = halves.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            odd1 = ((FloatVector) sums.lanewise(ASHR, 16).convertShape(I2F, F, 0))
                    .fma(scale, centers)
                    .fma(half, odd1);
            if (center != 0) {
                long minima = plain(next);
                next += UNIT;
                FloatVector total = FloatVector.broadcast(F, xTotals[index + block]);
                halves = ShortVector.fromMemorySegment(S, memory, minima, LE).reinterpretAsInts();
                half = halves.lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats();
                even0 = half.fma(total, even0);
                half = halves.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                odd0 = half.fma(total, odd0);
                halves = ShortVector.fromMemorySegment(S, memory, minima + VECTOR, LE)
                        .reinterpretAsInts();
                half = halves.lanewise(LSHL, 16)
                        .lanewise(ASHR, 3)
                        .and(HALF_BITS)
                        .reinterpretAsFloats();
                even1 = half.fma(total, even1);
                half = halves.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
                odd1 = half.fma(total, odd1);
            }
        }
        even0.intoArray(y, to);
        odd0.intoArray(y, to + HALF);
        even1.intoArray(y, to + LANES);
        odd1.intoArray(y, to + LANES + HALF);
    }

    private static void eight(
            MemorySegment data,
            long at,
            int blocks,
            int shift,
            int[] a,
            int from,
            int[] begins,
            int begin,
            float[] xScales,
            int index,
            float[] y,
            int to) {
        MemorySegment memory = Shorts.memory(data);
        FloatVector even0 = FloatVector.fromArray(F, y, to);
        FloatVector odd0 = FloatVector.fromArray(F, y, to + HALF);
        FloatVector even1 = FloatVector.fromArray(F, y, to + LANES);
        FloatVector odd1 = FloatVector.fromArray(F, y, to + LANES + HALF);
        long next = at;
        for (int block = 0; block < blocks; block++) {
            IntVector whole0 = IntVector.zero(I);
            IntVector upper0 = whole0;
            IntVector whole1 = whole0;
            IntVector upper1 = whole0;
            int base = from + block * BLOCK;
            int slot = begin + block * BLOCK / 2;
            for (int i = 0; i < BLOCK / 2; i++) {
                long here = plain(next);
                next += UNIT;
                ShortVector w0 = load(data, here);
                ShortVector w1 = load(data, here + VECTOR);
                ShortVector x = pair(a[base + 2 * i]);
                ShortVector start = pair(begins[slot + i]);
                ShortVector sum0 = w0.mul(x).add(start);
                ShortVector sum1 = w1.mul(x).add(start);
                x = pair(a[base + 2 * i + 1]);
                IntVector pairs = w0.lanewise(LSHR, shift).mul(x).add(sum0).reinterpretAsInts();
                whole0 = pairs.add(whole0);
                upper0 = pairs.lanewise(LSHR, 16).add(upper0);
                pairs = w1.lanewise(LSHR, shift).mul(x).add(sum1).reinterpretAsInts();
                whole1 = pairs.add(whole1);
                upper1 = pairs.lanewise(LSHR, 16).add(upper1);
            }
            long head = plain(next);
            next += UNIT;
            FloatVector scale = FloatVector.broadcast(F, xScales[index + block]);
            IntVector halves =
                    ShortVector.fromMemorySegment(S, memory, head, LE).reinterpretAsInts();
            FloatVector half =
                    halves.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            IntVector sums = whole0.sub(upper0.lanewise(LSHL, 16)).sub(EightBits.BLOCK_BIAS);
            even0 = ((FloatVector) sums.convertShape(I2F, F, 0)).mul(scale).fma(half, even0);
            half = halves.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            sums = upper0.sub(EightBits.BLOCK_BIAS);
            odd0 = ((FloatVector) sums.convertShape(I2F, F, 0)).mul(scale).fma(half, odd0);
            halves = ShortVector.fromMemorySegment(S, memory, head + VECTOR, LE).reinterpretAsInts();
            half = halves.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            sums = whole1.sub(upper1.lanewise(LSHL, 16)).sub(EightBits.BLOCK_BIAS);
            even1 = ((FloatVector) sums.convertShape(I2F, F, 0)).mul(scale).fma(half, even1);
            half = halves.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats();
            sums = upper1.sub(EightBits.BLOCK_BIAS);
            odd1 = ((FloatVector) sums.convertShape(I2F, F, 0)).mul(scale).fma(half, odd1);
        }
        even0.intoArray(y, to);
        odd0.intoArray(y, to + HALF);
        even1.intoArray(y, to + LANES);
        odd1.intoArray(y, to + LANES + HALF);
    }

    private static void fourK(
            MemorySegment data,
            long superAt,
            long at,
            int shift,
            int[] a,
            int from,
            int[] begins,
            int begin,
            float[] xScales,
            float[] xTotals,
            int index,
            float[] y,
            int to) {
        MemorySegment memory = Shorts.memory(data);
        FloatVector even0 = FloatVector.zero(F);
        FloatVector odd0 = even0;
        FloatVector even1 = even0;
        FloatVector odd1 = even0;
        FloatVector evenMin0 = even0;
        FloatVector oddMin0 = even0;
        FloatVector evenMin1 = even0;
        FloatVector oddMin1 = even0;
        long next = at;
        for (int block = 0; block < SUPER_BLOCKS; block++) {
            int start = begins[begin + block];
            ShortVector sum0 = pair(start);
            ShortVector sum1 = sum0;
            int base = from + block * BLOCK;
            for (int i = 0; i < 8; i++) {
                long here = plain(next);
                next += UNIT;
                ShortVector w0 = load(data, here);
                ShortVector w1 = load(data, here + VECTOR);
                ShortVector x = pair(a[base + 4 * i]);
                sum0 = w0.mul(x).add(sum0);
                sum1 = w1.mul(x).add(sum1);
                w0 = w0.lanewise(LSHR, shift);
                w1 = w1.lanewise(LSHR, shift);
                x = pair(a[base + 4 * i + 1]);
                sum0 = w0.mul(x).add(sum0);
                sum1 = w1.mul(x).add(sum1);
                w0 = w0.lanewise(LSHR, shift);
                w1 = w1.lanewise(LSHR, shift);
                x = pair(a[base + 4 * i + 2]);
                sum0 = w0.mul(x).add(sum0);
                sum1 = w1.mul(x).add(sum1);
                w0 = w0.lanewise(LSHR, shift);
                w1 = w1.lanewise(LSHR, shift);
                x = pair(a[base + 4 * i + 3]);
                sum0 = w0.mul(x).add(sum0);
                sum1 = w1.mul(x).add(sum1);
            }
            long head = plain(next);
            next += UNIT;
            FloatVector scale = FloatVector.broadcast(F, xScales[index + block]);
            FloatVector total = FloatVector.broadcast(F, xTotals[index + block]);
            IntVector centered = IntVector.broadcast(I, start >> 16);
            IntVector sums = sum0.reinterpretAsInts();
            IntVector scales =
                    ShortVector.fromMemorySegment(S, memory, head, LE).reinterpretAsInts();
            IntVector product =
                    sums.lanewise(LSHL, 16).lanewise(ASHR, 16).sub(centered).mul(scales.and(255));
            even0 = ((FloatVector) product.convertShape(I2F, F, 0)).fma(scale, even0);
            product = sums.lanewise(ASHR, 16)
                    .sub(centered)
                    .mul(scales.lanewise(LSHR, 16).and(255));
            odd0 = ((FloatVector) product.convertShape(I2F, F, 0)).fma(scale, odd0);
            IntVector minima = scales.lanewise(LSHR, 8).and(255);
            evenMin0 = ((FloatVector) minima.convertShape(I2F, F, 0)).fma(total, evenMin0);
            minima = scales.lanewise(LSHR, 24);
            oddMin0 = ((FloatVector) minima.convertShape(I2F, F, 0)).fma(total, oddMin0);
            sums = sum1.reinterpretAsInts();
            scales = ShortVector.fromMemorySegment(S, memory, head + VECTOR, LE).reinterpretAsInts();
            product = sums.lanewise(LSHL, 16).lanewise(ASHR, 16).sub(centered).mul(scales.and(255));
            even1 = ((FloatVector) product.convertShape(I2F, F, 0)).fma(scale, even1);
            product = sums.lanewise(ASHR, 16)
                    .sub(centered)
                    .mul(scales.lanewise(LSHR, 16).and(255));
            odd1 = ((FloatVector) product.convertShape(I2F, F, 0)).fma(scale, odd1);
            minima = scales.lanewise(LSHR, 8).and(255);
            evenMin1 = ((FloatVector) minima.convertShape(I2F, F, 0)).fma(total, evenMin1);
            minima = scales.lanewise(LSHR, 24);
            oddMin1 = ((FloatVector) minima.convertShape(I2F, F, 0)).fma(total, oddMin1);
        }
        FloatVector.fromMemorySegment(F, memory, superAt, LE)
                .fma(even0, FloatVector.fromArray(F, y, to))
                .sub(FloatVector.fromMemorySegment(F, memory, superAt + 2 * UNIT, LE)
                        .mul(evenMin0))
                .intoArray(y, to);
        FloatVector.fromMemorySegment(F, memory, superAt + UNIT, LE)
                .fma(odd0, FloatVector.fromArray(F, y, to + HALF))
                .sub(FloatVector.fromMemorySegment(F, memory, superAt + 3 * UNIT, LE)
                        .mul(oddMin0))
                .intoArray(y, to + HALF);
        FloatVector.fromMemorySegment(F, memory, superAt + VECTOR, LE)
                .fma(even1, FloatVector.fromArray(F, y, to + LANES))
                .sub(FloatVector.fromMemorySegment(F, memory, superAt + 2 * UNIT + VECTOR, LE)
                        .mul(evenMin1))
                .intoArray(y, to + LANES);
        FloatVector.fromMemorySegment(F, memory, superAt + UNIT + VECTOR, LE)
                .fma(odd1, FloatVector.fromArray(F, y, to + LANES + HALF))
                .sub(FloatVector.fromMemorySegment(F, memory, superAt + 3 * UNIT + VECTOR, LE)
                        .mul(oddMin1))
                .intoArray(y, to + LANES + HALF);
    }
}
