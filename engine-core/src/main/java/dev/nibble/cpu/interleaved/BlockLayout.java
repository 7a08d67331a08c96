package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.LANES;

import jdk.incubator.vector.IntVector;

/** A type of plain blocks of 32 elements: a scale d, perhaps a minimum m, then quants. */
final class BlockLayout extends Layout {
    private final int fileBytes;
    private final boolean hasMinimum;

    /**
     * @param fileBytes bytes of a block in the file
     */
    BlockLayout(Quants quants, QuantReader reader, int fileBytes, boolean hasMinimum) {
        super(quants, reader, BLOCK, hasMinimum ? 1 : 0, hasMinimum ? 2 : 1, 0, false);
        this.fileBytes = fileBytes;
        this.hasMinimum = hasMinimum;
    }

    @Override
    Step[] rowSteps() {
        if (quants() instanceof EightBits) {
            return new Step[] {Fused.SERVES ? Fused::eight : FusedPair::eight};
        }
        int sums = quants().recordSums();
        if (sums == 1 && !Fused.SERVES) {
            return new Step[] {FusedPair::four};
        }
        if (sums == 1 && !hasMinimum) {
            return new Step[] {Fused::four};
        }
        Step blocks = sums == 1 ? Fold::blocks : Fold::halvedBlocks;
        return hasMinimum
                ? new Step[] {Records::fields, blocks, p -> Fold.shifts(p, sums, quants().center())}
                : new Step[] {Records::fields, blocks};
    }

    @Override
    boolean packScales(byte[] in, int columns, int row, short[] out) {
        boolean finite = true;
        for (int block = 0; block < columns / BLOCK; block++) {
            int at = block * fileBytes;
            int to = headAt(block) / 2;
            finite &= packHalf(in, at, row, out, to);
            if (hasMinimum) {
                finite &= packHalf(in, at + 2, row, out, to + GROUP);
            }
        }
        return finite;
    }

    private static boolean packHalf(byte[] in, int at, int row, short[] out, int to) {
        short half = QuantReader.shortAt(in, at);
        out[to + Shorts.lane(row)] = half;
        return isFiniteHalf(half);
    }

    @Override
    Step readScales() {
        return this::scales;
    }

    private void scales(Piece p) {
        halves(p, 0, p.scales, p.scalesTo());
        if (hasMinimum) {
            halves(p, Quants.UNIT, p.shifts, p.shiftsTo());
        }
    }

    private void halves(Piece p, int offset, float[] out, int to) {
        Shorts.mayFault(p.data, p.at);
        for (int i = 0; i < p.columns / BLOCK; i++) {
            IntVector pairs = Shorts.load(p.data, p.at + headAt(i) + offset).reinterpretAsInts();
            Shorts.evenHalves(pairs).mul(Shorts.HALF_BIAS).intoArray(out, to + i * LANES);
            Shorts.oddHalves(pairs).mul(Shorts.HALF_BIAS).intoArray(out, to + i * LANES + HALF);
        }
    }
}
