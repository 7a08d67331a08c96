package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.LANES;

import dev.nibble.cpu.quant.QuantReader;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** A type of super-blocks of 256 elements: scales of sub-blocks are small integers, to be multiplied by d. */
final class SuperBlockLayout extends GroupLayout {
    private static final int NIBBLES = 0x0f0f0f0f;

    private final int fileBytes;

    /** Byte of the block in the file where d lies, before dmin. */
    private final int scaleAt;

    private final boolean hasMinimum;

    /** Where and how a block has its scales. */
    private final Scales scales;

    /** The small scales of a super-block. */
    private enum Scales {
        /** Scales and minima of 6 bits: Q4_K, Q5_K. */
        SIX_BITS_AND_MINIMA,
        /** Nibbles, minima in the upper ones: Q2_K. */
        NIBBLES_AND_MINIMA,
        /** Of 6 bits, less 32: Q3_K. */
        SIX_BITS,
        /** Of 8 bits: Q6_K. */
        BYTES,
        /** Of 6 bits, less 32, one to a block: IQ4_XS. */
        SIX_BITS_OF_BLOCKS
    }

    private SuperBlockLayout(
            Quants quants,
            QuantReader reader,
            Scales scales,
            int scaleColumns,
            int fileBytes,
            int scaleAt,
            boolean hasMinimum) {
        super(
                quants,
                reader,
                scaleColumns,
                hasMinimum ? -1 : 0,
                1,
                hasMinimum ? 4 : 2,
                OneInputLoops512.SERVES && scales == Scales.BYTES);
        this.scales = scales;
        this.fileBytes = fileBytes;
        this.scaleAt = scaleAt;
        this.hasMinimum = hasMinimum;
    }

    static SuperBlockLayout q2() {
        return new SuperBlockLayout(
                new SmallQuantFields.Two(), QuantReader::q2k, Scales.NIBBLES_AND_MINIMA, BLOCK / 2, 84, 80, true);
    }

    static SuperBlockLayout q3() {
        return new SuperBlockLayout(
                new SmallQuantFields.Three(), QuantReader::q3k, Scales.SIX_BITS, BLOCK / 2, 110, 108, false);
    }

    static SuperBlockLayout iq4(Quants levels) {
        return new SuperBlockLayout(levels, QuantReader::iq4xs, Scales.SIX_BITS_OF_BLOCKS, BLOCK, 136, 0, false);
    }

    static SuperBlockLayout q4(Quants quants) {
        return new SuperBlockLayout(quants, QuantReader::q4k, Scales.SIX_BITS_AND_MINIMA, BLOCK, 144, 0, true);
    }

    static SuperBlockLayout q5(Quants quants) {
        return new SuperBlockLayout(quants, QuantReader::q5k, Scales.SIX_BITS_AND_MINIMA, BLOCK, 176, 0, true);
    }

    static SuperBlockLayout q6() {
        return new SuperBlockLayout(new Fields.Six(), QuantReader::q6k, Scales.BYTES, BLOCK / 2, 210, 208, false);
    }

    @Override
    SeparateLoop[] rowLoops() {
        int sums = quants().recordSums();
        if (quants().exact()) {
            return new SeparateLoop[] {readScales(), TableQuants::multiply};
        }
        SeparateLoop scale = p -> ScaleSums.scale(p, superAt(0));
        if (scales == Scales.NIBBLES_AND_MINIMA) {
            return new SeparateLoop[] {SmallQuantSums::twos, SmallQuantSums::foldTwos, SmallQuantSums::minima};
        }
        if (scales == Scales.SIX_BITS) {
            return new SeparateLoop[] {SmallQuantSums::threes, SmallQuantSums::foldThrees, scale};
        }
        if (!hasMinimum) {
            return OneInputLoops512.SERVES
                    ? new SeparateLoop[] {OneInputLoops512::sixK, scale}
                    : new SeparateLoop[] {BlockSums::fields, ScaleSums::sixteenths, scale};
        }
        if (sums == 1) {
            return OneInputLoops512.SERVES
                    ? new SeparateLoop[] {OneInputLoops512::fourK, p -> ScaleSums.minima(p, 0, superAt(0))}
                    : new SeparateLoop[] {OneInputLoopsNarrow::fourK};
        }
        return new SeparateLoop[] {
            BlockSums::fields, ScaleSums::halvedEighths, p -> ScaleSums.minima(p, sums, superAt(0))
        };
    }

    @Override
    boolean packScales(byte[] in, int columns, int row, short[] out) {
        boolean finite = true;
        for (int i = 0; i < columns / SUPER_BLOCK; i++) {
            int at = i * fileBytes;
            int to = superAt(i) / 2;
            finite &= packFloat(in, at + scaleAt, row, out, to);
            if (hasMinimum) {
                finite &= packFloat(in, at + scaleAt + 2, row, out, to + 2 * GROUP);
            }
            int block = i * SUPER_BLOCKS;
            switch (scales) {
                case SIX_BITS_AND_MINIMA -> packSixBitsAndMinima(in, at + 4, row, out, block);
                case NIBBLES_AND_MINIMA -> packPairs(in, at, row, out, block);
                case SIX_BITS -> packSixBits(in, at + 96, row, out, block);
                case BYTES -> packPairs(in, at + 192, row, out, block);
                case SIX_BITS_OF_BLOCKS -> packScalesOfBlocks(in, at + 2, row, out, block);
            }
        }
        return finite;
    }

    /** Of each part the first half of the rows in one unit, the second half in the next. */
    private static boolean packFloat(byte[] in, int at, int row, short[] out, int to) {
        short half = QuantReader.shortAt(in, at);
        int bits = Float.floatToRawIntBits(Float.float16ToFloat(half));
        int unit = row % LANES / HALF;
        int index = to + unit * GROUP + 2 * (row / LANES * HALF + row % HALF);
        out[index] = (short) bits;
        out[index + 1] = (short) (bits >> 16);
        return isFiniteHalf(half);
    }

    /** Unpacks the eight scales and minima that Q4_K and Q5_K have in 12 bytes, see dev.nibble.cpu.quant.KScales. */
    private void packSixBitsAndMinima(byte[] in, int at, int row, short[] out, int block) {
        long both = QuantReader.longAt(in, at);
        int low = (int) both; // of 4 scales, and high bits of the 4 behind
        int lowMin = (int) (both >>> 32);
        int rest = (int) (QuantReader.longAt(in, at + 4) >>> 32);
        int high = rest & 0x0f0f0f0f | low >>> 2 & 0x30303030;
        int highMin = rest >>> 4 & 0x0f0f0f0f | lowMin >>> 2 & 0x30303030;
        for (int j = 0; j < 4; j++) {
            packBytes(low >> 8 * j & 63, lowMin >> 8 * j & 63, row, out, block + j);
            packBytes(high >> 8 * j, highMin >> 8 * j, row, out, block + 4 + j);
        }
    }

    /** Unpacks the sixteen scales that Q3_K has in 12 bytes, see dev.nibble.cpu.quant.Q3_K. */
    private void packSixBits(byte[] in, int at, int row, short[] out, int block) {
        for (int s = 0; s < 2 * SUPER_BLOCKS; s += 2) {
            packBytes(sixBits(in, at, s), sixBits(in, at, s + 1), row, out, block + s / 2);
        }
    }

    private static int sixBits(byte[] in, int at, int s) {
        return (in[at + s % 8] >> s / 8 * 4 & 15 | (in[at + 8 + s % 4] >> s / 4 * 2 & 3) << 4) - 32;
    }

    /** Unpacks the eight scales that IQ4_XS has in 6 bytes: 2 bits of each, then nibbles. */
    private void packScalesOfBlocks(byte[] in, int at, int row, short[] out, int block) {
        int high = QuantReader.shortAt(in, at);
        for (int j = 0; j < SUPER_BLOCKS; j++) {
            int scale = in[at + 2 + j / 2] >> j % 2 * 4 & 15 | (high >> 2 * j & 3) << 4;
            packBytes(scale - 32, 0, row, out, block + j);
        }
    }

    private void packPairs(byte[] in, int at, int row, short[] out, int block) {
        for (int j = 0; j < SUPER_BLOCKS; j++) {
            packBytes(in[at + 2 * j], in[at + 2 * j + 1], row, out, block + j);
        }
    }

    private void packBytes(int first, int second, int row, short[] out, int block) {
        int head = headAt(block) / 2;
        out[head + Shorts.lane(row)] = (short) (first & 0xff | second << 8);
    }

    @Override
    SeparateLoop readScales() {
        return switch (scales) {
            case SIX_BITS_AND_MINIMA -> this::scalesAndMinima;
            case NIBBLES_AND_MINIMA -> this::nibbles;
            case SIX_BITS, BYTES -> this::pairsOfScales;
            case SIX_BITS_OF_BLOCKS -> this::scalesOfBlocks;
        };
    }

    private void scalesAndMinima(RowTask p) {
        long heads = p.at + headAt(0);
        scalesAndMinima(p.data, heads, blockBytes(), p.at + superAt(0), p.scales, p.scalesTo(), p.shifts, p.shiftsTo());
    }

    /** Scales in the lower nibbles, minima in the upper ones; at one call place, as two would be too much to inline. */
    private void nibbles(RowTask p) {
        long heads = p.at + headAt(0);
        long floats = p.at + superAt(0);
        for (int i = 0; i < 2; i++) {
            float[] out = i == 0 ? p.scales : p.shifts;
            int to = i == 0 ? p.scalesTo() : p.shiftsTo();
            pairs(p.data, heads, blockBytes(), 4 * i, NIBBLES, floats + 2 * i * Quants.UNIT, out, to);
        }
    }

    private void scalesOfBlocks(RowTask p) {
        scalesOfBlocks(p.data, p.at + headAt(0), blockBytes(), p.at + superAt(0), p.scales, p.scalesTo());
    }

    private void pairsOfScales(RowTask p) {
        pairs(p.data, p.at + headAt(0), blockBytes(), 0, -1, p.at + superAt(0), p.scales, p.scalesTo());
    }

    private static void scalesAndMinima(
            MemorySegment data,
            long at,
            int stride,
            long headAt,
            float[] scales,
            int scalesTo,
            float[] minima,
            int minimaTo) {
        FloatVector even = Shorts.loadFloats(data, headAt);
        FloatVector odd = Shorts.loadFloats(data, headAt + Quants.UNIT);
        FloatVector evenMin = Shorts.loadFloats(data, headAt + 2 * Quants.UNIT);
        FloatVector oddMin = Shorts.loadFloats(data, headAt + 3 * Quants.UNIT);
        for (int i = 0; i < SUPER_BLOCKS; i++) {
            IntVector pairs = Shorts.load(data, at + i * stride).reinterpretAsInts();
            int to = i * LANES;
            Shorts.floats(Shorts.firstOfEven(pairs)).mul(even).intoArray(scales, scalesTo + to);
            Shorts.floats(Shorts.firstOfOdd(pairs)).mul(odd).intoArray(scales, scalesTo + to + HALF);
            Shorts.floats(Shorts.secondOfEven(pairs)).mul(evenMin).intoArray(minima, minimaTo + to);
            Shorts.floats(Shorts.secondOfOdd(pairs)).mul(oddMin).intoArray(minima, minimaTo + to + HALF);
        }
    }

    private static void scalesOfBlocks(
            MemorySegment data, long at, int stride, long headAt, float[] scales, int scalesTo) {
        FloatVector even = Shorts.loadFloats(data, headAt);
        FloatVector odd = Shorts.loadFloats(data, headAt + Quants.UNIT);
        for (int i = 0; i < SUPER_BLOCKS; i++) {
            IntVector pairs = Shorts.load(data, at + i * stride).reinterpretAsInts();
            int to = scalesTo + i * LANES;
            Shorts.floats(Shorts.firstOfEven(pairs)).mul(even).intoArray(scales, to);
            Shorts.floats(Shorts.firstOfOdd(pairs)).mul(odd).intoArray(scales, to + HALF);
        }
    }

    /** Pairs of bytes, shifted and masked as ints, times the floats at {@code headAt}. */
    private static void pairs(
            MemorySegment data, long at, int stride, int shift, int mask, long headAt, float[] out, int outAt) {
        FloatVector even = Shorts.loadFloats(data, headAt);
        FloatVector odd = Shorts.loadFloats(data, headAt + Quants.UNIT);
        for (int i = 0; i < SUPER_BLOCKS; i++) {
            IntVector pairs = Shorts.load(data, at + i * stride)
                    .reinterpretAsInts()
                    .lanewise(VectorOperators.LSHR, shift)
                    .and(mask);
            int to = outAt + 2 * i * LANES;
            Shorts.floats(Shorts.firstOfEven(pairs)).mul(even).intoArray(out, to);
            Shorts.floats(Shorts.firstOfOdd(pairs)).mul(odd).intoArray(out, to + HALF);
            Shorts.floats(Shorts.secondOfEven(pairs)).mul(even).intoArray(out, to + LANES);
            Shorts.floats(Shorts.secondOfOdd(pairs)).mul(odd).intoArray(out, to + LANES + HALF);
        }
    }
}
