package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** A type of super-blocks of 256 elements: scales of sub-blocks are small integers, to be multiplied by d. */
final class SuperBlockLayout extends Layout {
    private final int fileBytes;

    /** Byte of the block in the file where d lies, before dmin. */
    private final int scaleAt;

    private final boolean hasMinimum;

    private SuperBlockLayout(
            Quants quants, QuantReader reader, int scaleColumns, int fileBytes, int scaleAt, boolean hasMinimum) {
        super(quants, reader, scaleColumns, hasMinimum ? -1 : 0, 1, hasMinimum ? 2 : 1);
        this.fileBytes = fileBytes;
        this.scaleAt = scaleAt;
        this.hasMinimum = hasMinimum;
    }

    static SuperBlockLayout q4() {
        return new SuperBlockLayout(new Fields.Four(), QuantReader::q4k, BLOCK, 144, 0, true);
    }

    static SuperBlockLayout q5() {
        return new SuperBlockLayout(new Fields.Five(), QuantReader::q5k, BLOCK, 176, 0, true);
    }

    static SuperBlockLayout q6() {
        return new SuperBlockLayout(new Fields.Six(), QuantReader::q6k, BLOCK / 2, 210, 208, false);
    }

    @Override
    Step[] folds() {
        int sums = quants().recordSums();
        if (!hasMinimum) {
            return new Step[] {Fold::sixteenths};
        }
        return new Step[] {sums == 1 ? Fold::eighths : Fold::halvedEighths, p -> Fold.minima(p, sums)};
    }

    @Override
    boolean packScales(byte[] in, int columns, int row, short[] out) {
        boolean finite = true;
        for (int i = 0; i < columns / SUPER_BLOCK; i++) {
            int at = i * fileBytes;
            int to = (blockAt(i * SUPER_BLOCKS) + SUPER_BLOCKS * blockBytes()) / 2;
            finite &= packHalf(in, at + scaleAt, row, out, to);
            if (hasMinimum) {
                finite &= packHalf(in, at + scaleAt + 2, row, out, to + GROUP);
                packSixBits(in, at + 4, row, out, i * SUPER_BLOCKS);
            } else {
                for (int j = 0; j < SUPER_BLOCKS; j++) {
                    packBytes(in[at + 192 + 2 * j], in[at + 193 + 2 * j], row, out, i * SUPER_BLOCKS + j);
                }
            }
        }
        return finite;
    }

    /** Unpacks the eight scales and minima that Q4_K and Q5_K have in 12 bytes, see dev.nibble.cpu.quant.KScales. */
    private void packSixBits(byte[] in, int at, int row, short[] out, int block) {
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

    private void packBytes(int first, int second, int row, short[] out, int block) {
        int head = blockAt(block) / 2 + quants().blockUnits() * GROUP;
        out[head + Shorts.lane(row)] = (short) (first & 0xff | second << 8);
    }

    @Override
    Step readScales() {
        return hasMinimum ? this::scalesAndMinima : this::pairsOfScales;
    }

    private void scalesAndMinima(Piece p) {
        int stride = blockBytes();
        long superAt = p.at + SUPER_BLOCKS * stride;
        scalesAndMinima(p.data, headAt(p, 0), stride, superAt, p.scales, p.scalesTo(), p.shifts, p.shiftsTo());
    }

    private void pairsOfScales(Piece p) {
        int stride = blockBytes();
        pairsOfScales(p.data, headAt(p, 0), stride, p.at + SUPER_BLOCKS * stride, p.scales, p.scalesTo());
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
        IntVector halves = Shorts.load(data, headAt).reinterpretAsInts();
        IntVector minHalves = Shorts.load(data, headAt + Quants.UNIT).reinterpretAsInts();
        FloatVector even = Shorts.evenHalves(halves);
        FloatVector odd = Shorts.oddHalves(halves);
        FloatVector evenMin = Shorts.evenHalves(minHalves);
        FloatVector oddMin = Shorts.oddHalves(minHalves);
        for (int i = 0; i < SUPER_BLOCKS; i++) {
            IntVector pairs = Shorts.load(data, at + i * stride).reinterpretAsInts();
            int to = i * GROUP;
            Shorts.floats(Shorts.firstOfEven(pairs)).mul(even).intoArray(scales, scalesTo + to);
            Shorts.floats(Shorts.firstOfOdd(pairs)).mul(odd).intoArray(scales, scalesTo + to + HALF);
            Shorts.floats(Shorts.secondOfEven(pairs)).mul(evenMin).intoArray(minima, minimaTo + to);
            Shorts.floats(Shorts.secondOfOdd(pairs)).mul(oddMin).intoArray(minima, minimaTo + to + HALF);
        }
    }

    private static void pairsOfScales(
            MemorySegment data, long at, int stride, long headAt, float[] scales, int scalesTo) {
        IntVector halves = Shorts.load(data, headAt).reinterpretAsInts();
        FloatVector even = Shorts.evenHalves(halves);
        FloatVector odd = Shorts.oddHalves(halves);
        for (int i = 0; i < SUPER_BLOCKS; i++) {
            IntVector pairs = Shorts.load(data, at + i * stride).reinterpretAsInts();
            int to = scalesTo + 2 * i * GROUP;
            Shorts.floats(Shorts.firstOfEven(pairs)).mul(even).intoArray(scales, to);
            Shorts.floats(Shorts.firstOfOdd(pairs)).mul(odd).intoArray(scales, to + HALF);
            Shorts.floats(Shorts.secondOfEven(pairs)).mul(even).intoArray(scales, to + GROUP);
            Shorts.floats(Shorts.secondOfOdd(pairs)).mul(odd).intoArray(scales, to + GROUP + HALF);
        }
    }
}
