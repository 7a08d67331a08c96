package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.S;
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
 * One input row, from weights to results in one loop: while a block is folded, the processor reads on. For groups of one
 * part and the types whose loop is then small enough for the compiler to keep its vectors in registers; the others make
 * {@link BlockSums} first. The loops call the Vector API only, see {@link OneInputLoopsNarrow}.
 */
final class OneInputLoops512 {
    private static final int UNIT = Quants.UNIT;
    private static final int SUPER_BLOCKS = GroupLayout.SUPER_BLOCKS;

    /** Whether groups are such as these loops read. */
    static final boolean SERVES = Shorts.PARTS == 1;

    private OneInputLoops512() {}

    /** Q4_0. */
    static void four(RowTask p) {
        int units = p.columns / 4;
        four(
                p.data,
                p.at,
                units,
                p.factors,
                p.factorsAt,
                p.begins,
                p.beginsAt,
                p.x.liftedScales(),
                p.index,
                p.result,
                p.resultAt);
    }

    /** Q8_0. */
    static void eight(RowTask p) {
        eight(
                p.data,
                p.at,
                p.columns / 2,
                p.factors,
                p.factorsAt,
                p.begins,
                p.beginsAt,
                p.x.liftedScales(),
                p.index,
                p.result,
                p.resultAt);
    }

    /** Q4_K, but for the minima and the scale of the super-block: {@link ScaleSums#minima}. */
    static void fourK(RowTask p) {
        long at = p.at + p.layout.quantsAt(0);
        fourK(p.data, at, p.factors, p.factorsAt, p.begins, p.beginsAt, p.x.scales(), p.index, p.records, p.partial);
    }

    /** Q6_K, but for the scale of the super-block: {@link ScaleSums#scale}. */
    static void sixK(RowTask p) {
        long at = p.at + p.layout.headAt(0);
        sixK(p.data, at, p.factors, p.factorsAt, p.begins, p.beginsAt, p.x.scales(), p.index, p.partial);
    }

    private static void four(
            MemorySegment data,
            long at,
            int units,
            int[] a,
            int from,
            int[] begins,
            int begin,
            float[] xScales,
            int index,
            float[] y,
            int to) {
        MemorySegment memory = Shorts.memory(data);
        FloatVector first = FloatVector.fromArray(F, y, to);
        FloatVector second = FloatVector.fromArray(F, y, to + HALF);
        ShortVector even = ShortVector.zero(S);
        ShortVector odd = even;
        long next = at;
        int block = 0;
        int left = 8;
        for (int i = 0; i < units; i++) {
            ShortVector w = ShortVector.fromMemorySegment(S, memory, next, LE);
            next += UNIT;
            even = w.mul(IntVector.broadcast(I, a[from + 4 * i]).reinterpretAsShorts())
                    .add(even);
            odd = w.lanewise(LSHR, 4)
                    .mul(IntVector.broadcast(I, a[from + 4 * i + 1]).reinterpretAsShorts())
                    .add(odd);
            even = w.lanewise(LSHR, 8)
                    .mul(IntVector.broadcast(I, a[from + 4 * i + 2]).reinterpretAsShorts())
                    .add(even);
            odd = w.lanewise(LSHR, 12)
                    .mul(IntVector.broadcast(I, a[from + 4 * i + 3]).reinterpretAsShorts())
                    .add(odd);
            if (--left == 0) {
                left = 8;
                IntVector halves =
                        ShortVector.fromMemorySegment(S, memory, next, LE).reinterpretAsInts();
                next += UNIT;
                FloatVector scale = FloatVector.broadcast(F, xScales[index + block]);
                IntVector sums = even.add(odd)
                        .add(IntVector.broadcast(I, begins[begin + block]).reinterpretAsShorts())
                        .reinterpretAsInts();
                first = ((FloatVector)
                                sums.lanewise(LSHL, 16).lanewise(ASHR, 16).convertShape(I2F, F, 0))
                        .mul(scale)
                        .fma(
                                halves.lanewise(LSHL, 16)
                                        .lanewise(ASHR, 3)
                                        .and(Shorts.HALF_BITS)
                                        .reinterpretAsFloats(),
                                first);
                second = ((FloatVector) sums.lanewise(ASHR, 16).convertShape(I2F, F, 0))
                        .mul(scale)
                        .fma(halves.lanewise(ASHR, 3).and(Shorts.HALF_BITS).reinterpretAsFloats(), second);
                block++;
                even = ShortVector.zero(S);
                odd = even;
            }
        }
        first.intoArray(y, to);
        second.intoArray(y, to + HALF);
    }

    private static void eight(
            MemorySegment data,
            long at,
            int units,
            int[] a,
            int from,
            int[] begins,
            int begin,
            float[] xScales,
            int index,
            float[] y,
            int to) {
        MemorySegment memory = Shorts.memory(data);
        FloatVector first = FloatVector.fromArray(F, y, to);
        FloatVector second = FloatVector.fromArray(F, y, to + HALF);
        IntVector whole = IntVector.zero(I);
        IntVector upper = whole;
        long next = at;
        int block = 0;
        int left = 16;
        for (int i = 0; i < units; i++) {
            ShortVector w = ShortVector.fromMemorySegment(S, memory, next, LE);
            next += UNIT;
            IntVector pairs = w.mul(IntVector.broadcast(I, a[from + 2 * i]).reinterpretAsShorts())
                    .add(w.lanewise(LSHR, 8)
                            .mul(IntVector.broadcast(I, a[from + 2 * i + 1]).reinterpretAsShorts()))
                    .add(IntVector.broadcast(I, begins[begin + i]).reinterpretAsShorts())
                    .reinterpretAsInts();
            whole = pairs.add(whole);
            upper = pairs.lanewise(LSHR, 16).add(upper);
            if (--left == 0) {
                left = 16;
                IntVector halves =
                        ShortVector.fromMemorySegment(S, memory, next, LE).reinterpretAsInts();
                next += UNIT;
                FloatVector scale = FloatVector.broadcast(F, xScales[index + block]);
                IntVector even = whole.sub(upper.lanewise(LSHL, 16)).sub(EightBits.BLOCK_BIAS);
                IntVector odd = upper.sub(EightBits.BLOCK_BIAS);
                first = ((FloatVector) even.convertShape(I2F, F, 0))
                        .mul(scale)
                        .fma(
                                halves.lanewise(LSHL, 16)
                                        .lanewise(ASHR, 3)
                                        .and(Shorts.HALF_BITS)
                                        .reinterpretAsFloats(),
                                first);
                second = ((FloatVector) odd.convertShape(I2F, F, 0))
                        .mul(scale)
                        .fma(halves.lanewise(ASHR, 3).and(Shorts.HALF_BITS).reinterpretAsFloats(), second);
                block++;
                whole = IntVector.zero(I);
                upper = whole;
            }
        }
        first.intoArray(y, to);
        second.intoArray(y, to + HALF);
    }

    private static void fourK(
            MemorySegment data,
            long at,
            int[] a,
            int from,
            int[] begins,
            int begin,
            float[] xScales,
            int index,
            short[] heads,
            float[] partial) {
        MemorySegment memory = Shorts.memory(data);
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        ShortVector even = ShortVector.zero(S);
        ShortVector odd = even;
        long next = at;
        int block = 0;
        int left = 8;
        for (int i = 0; i < 8 * SUPER_BLOCKS; i++) {
            ShortVector w = ShortVector.fromMemorySegment(S, memory, next, LE);
            next += UNIT;
            even = w.mul(IntVector.broadcast(I, a[from + 4 * i]).reinterpretAsShorts())
                    .add(even);
            odd = w.lanewise(LSHR, 4)
                    .mul(IntVector.broadcast(I, a[from + 4 * i + 1]).reinterpretAsShorts())
                    .add(odd);
            even = w.lanewise(LSHR, 8)
                    .mul(IntVector.broadcast(I, a[from + 4 * i + 2]).reinterpretAsShorts())
                    .add(even);
            odd = w.lanewise(LSHR, 12)
                    .mul(IntVector.broadcast(I, a[from + 4 * i + 3]).reinterpretAsShorts())
                    .add(odd);
            if (--left == 0) {
                left = 8;
                ShortVector head = ShortVector.fromMemorySegment(S, memory, next, LE);
                next += UNIT;
                head.intoArray(heads, block * GROUP);
                IntVector scales = head.reinterpretAsInts();
                FloatVector scale = FloatVector.broadcast(F, xScales[index + block]);
                int start = begins[begin + block];
                IntVector sums = even.add(odd)
                        .add(IntVector.broadcast(I, start).reinterpretAsShorts())
                        .reinterpretAsInts();
                IntVector centered = IntVector.broadcast(I, start >> 16);
                IntVector evens = sums.lanewise(LSHL, 16)
                        .lanewise(ASHR, 16)
                        .sub(centered)
                        .mul(scales.lanewise(LSHL, 24).lanewise(ASHR, 24));
                IntVector odds = sums.lanewise(ASHR, 16)
                        .sub(centered)
                        .mul(scales.lanewise(LSHL, 8).lanewise(ASHR, 24));
                first = ((FloatVector) evens.convertShape(I2F, F, 0)).fma(scale, first);
                second = ((FloatVector) odds.convertShape(I2F, F, 0)).fma(scale, second);
                block++;
                even = ShortVector.zero(S);
                odd = even;
            }
        }
        first.intoArray(partial, 0);
        second.intoArray(partial, HALF);
    }

    private static void sixK(
            MemorySegment data,
            long at,
            int[] a,
            int from,
            int[] begins,
            int begin,
            float[] xScales,
            int index,
            float[] partial) {
        MemorySegment memory = Shorts.memory(data);
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        ShortVector even = ShortVector.zero(S);
        ShortVector odd = even;
        IntVector evens = IntVector.zero(I);
        IntVector odds = evens;
        IntVector scales = ShortVector.fromMemorySegment(S, memory, at, LE).reinterpretAsInts();
        long next = at + UNIT;
        int slot = 0;
        int left = 3;
        for (int i = 0; i < 12 * SUPER_BLOCKS; i++) {
            ShortVector w = ShortVector.fromMemorySegment(S, memory, next, LE);
            next += UNIT;
            even = w.mul(IntVector.broadcast(I, a[from + 4 * i]).reinterpretAsShorts())
                    .add(even);
            odd = w.lanewise(LSHR, 6)
                    .mul(IntVector.broadcast(I, a[from + 4 * i + 1]).reinterpretAsShorts())
                    .add(odd);
            even = w.lanewise(LSHR, 12)
                    .mul(IntVector.broadcast(I, a[from + 4 * i + 2]).reinterpretAsShorts())
                    .add(even);
            odd = w.lanewise(LSHR, 14)
                    .mul(IntVector.broadcast(I, a[from + 4 * i + 3]).reinterpretAsShorts())
                    .add(odd);
            if (--left == 0) {
                left = 3;
                IntVector sums = even.add(odd)
                        .add(IntVector.broadcast(I, begins[begin + slot]).reinterpretAsShorts())
                        .reinterpretAsInts();
                evens = sums.lanewise(LSHL, 16).lanewise(ASHR, 16).add(evens);
                odds = sums.lanewise(ASHR, 16).add(odds);
                slot++;
                even = ShortVector.zero(S);
                odd = even;
                if ((slot & 1) == 0) {
                    FloatVector scale = FloatVector.broadcast(F, xScales[index + (slot - 1 >> 2)]);
                    first = ((FloatVector) evens.mul(scales.lanewise(LSHL, 24).lanewise(ASHR, 24))
                                    .convertShape(I2F, F, 0))
                            .fma(scale, first);
                    second = ((FloatVector) odds.mul(scales.lanewise(LSHL, 8).lanewise(ASHR, 24))
                                    .convertShape(I2F, F, 0))
                            .fma(scale, second);
                    evens = IntVector.zero(I);
                    odds = evens;
                    // the second byte comes to where the first one was
                    scales = scales.lanewise(LSHR, 8);
                    if ((slot & 3) == 0 && slot < 4 * SUPER_BLOCKS) {
                        // the next block's head
                        scales = ShortVector.fromMemorySegment(S, memory, next, LE)
                                .reinterpretAsInts();
                        next += UNIT;
                    }
                }
            }
        }
        first.intoArray(partial, 0);
        second.intoArray(partial, HALF);
    }
}
