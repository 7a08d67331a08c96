package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.load;
import static dev.nibble.cpu.interleaved.Shorts.pair;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Q5_0 and Q5_1. A block has 2 units of fifth bits, then 8 units of low bits as {@link FourBits}. Of the fifth bits, unit
 * s serves the four low units u = 4s + t: bits 2t, 2t + 1, 8 + 2t and 9 + 2t belong to the elements 2u, 2u + 16, 2u + 1 and
 * 2u + 17.
 *
 * <p>Centered by 16, the products of 16 elements fit 16 bits: 16 · 16 · 127 &lt; 2^15. These are the elements from the low
 * nibbles, 0 to 15, and those from the high ones.
 */
final class FiveBits extends BlockLayout {
    static final int CENTER = 16;
    private static final Step JOIN = FiveBits::join;
    private static final int UNITS = 8;
    private static final int UNIT = 2 * GROUP;
    private static final int HIGH_UNITS = 2;
    private static final int BLOCK_BYTES = (UNITS + HIGH_UNITS) * UNIT;

    FiveBits(boolean hasMinimum) {
        super(BLOCK / 2, hasMinimum ? 24 : 22, hasMinimum, CENTER, Order.HALVES_BY_TWO);
    }

    @Override
    void packQuants(short[] in, int at, int lane, short[] out, int to) {
        for (int s = 0; s < HIGH_UNITS; s++) {
            // in[at] has the fifth bits of the elements 0 to 15
            int bits = spread(in[at] >> 8 * s) | spread(in[at + 1] >> 8 * s) << 1;
            out[to + s * GROUP + lane] = (short) bits;
        }
        packUnits(in, at + 2, UNITS, lane, out, to + HIGH_UNITS * GROUP);
    }

    /** Of 8 bits, bit 2t goes to 2t and bit 2t + 1 to 8 + 2t. */
    private static int spread(int bits) {
        return bits & 0x55 | (bits & 0xaa) << 7;
    }

    @Override
    void sums(Piece p) {
        int units = p.columns / BLOCK * UNITS;
        sums(
                p.data,
                p.quantsAt,
                units,
                p.x.ordered(order()),
                p.orderedAt,
                p.x.eighths(),
                p.index,
                p.x.stride(),
                p.sums);
    }

    private static void sums(
            MemorySegment data,
            long at,
            int units,
            int[] a,
            int from,
            int[] eighths,
            int index,
            int stride,
            short[] sums) {
        if (data.getClass() != Shorts.OFF_HEAP) {
            throw new IllegalArgumentException("the weights are not off-heap");
        }
        ShortVector low = pair(FifthBits.begin(eighths, 4 * index));
        ShortVector high = pair(FifthBits.begin(eighths, 4 * index + 2));
        long block = at;
        for (int i = 0; i < units; i++) {
            ShortVector q = load(data, block + (HIGH_UNITS + (i & 7)) * UNIT);
            ShortVector fifth = load(data, block + (i >> 2 & 1) * UNIT).lanewise(VectorOperators.LSHR, 2 * (i & 3));
            ShortVector bytes = FifthBits.low(q, fifth);
            low = bytes.and(BytePairs.BYTE).mul(pair(a[from + 4 * i])).add(low);
            low = bytes.lanewise(VectorOperators.LSHR, 8)
                    .mul(pair(a[from + 4 * i + 1]))
                    .add(low);
            bytes = FifthBits.high(q, fifth);
            high = bytes.and(BytePairs.BYTE).mul(pair(a[from + 4 * i + 2])).add(high);
            high = bytes.lanewise(VectorOperators.LSHR, 8)
                    .mul(pair(a[from + 4 * i + 3]))
                    .add(high);
            if ((i & 7) == 7) {
                low.intoArray(sums, (i >> 3) * 2 * GROUP);
                high.intoArray(sums, ((i >> 3) * 2 + 1) * GROUP);
                int next = i + 1 < units ? index + (i + 1 >> 3) * stride : index;
                low = pair(FifthBits.begin(eighths, 4 * next));
                high = pair(FifthBits.begin(eighths, 4 * next + 2));
                block += BLOCK_BYTES;
            }
        }
    }

    @Override
    void unpack(Piece p) {
        BytePairs.unpack(JOIN, CENTER, p);
    }

    private static void join(Piece p) {
        join(p.data, p.quantsAt, p.columns / BLOCK * UNITS, p.bytePairs);
    }

    private static void join(MemorySegment data, long at, int units, short[] out) {
        if (data.getClass() != Shorts.OFF_HEAP) {
            throw new IllegalArgumentException("the weights are not off-heap");
        }
        for (int i = 0; i < units; i++) {
            long block = at + (i >> 3) * BLOCK_BYTES;
            ShortVector q = load(data, block + (HIGH_UNITS + (i & 7)) * UNIT);
            ShortVector fifth = load(data, block + (i >> 2 & 1) * UNIT).lanewise(VectorOperators.LSHR, 2 * (i & 3));
            int to = ((i >> 3) * BLOCK / 2 + (i & 7)) * GROUP;
            FifthBits.low(q, fifth).intoArray(out, to);
            FifthBits.high(q, fifth).intoArray(out, to + 8 * GROUP);
        }
    }
}
