package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;

import jdk.incubator.vector.IntVector;

/** A type of plain blocks of 32 elements: a scale d, perhaps a minimum m, then quants. */
final class BlockLayout extends Layout {
    private final int fileBytes;
    private final boolean hasMinimum;

    /**
     * @param fileBytes bytes of a block in the file
     */
    BlockLayout(Quants quants, QuantReader reader, int fileBytes, boolean hasMinimum) {
        super(quants, reader, BLOCK, hasMinimum ? 1 : 0, hasMinimum ? 2 : 1, 0);
        this.fileBytes = fileBytes;
        this.hasMinimum = hasMinimum;
    }

    @Override
    Step[] folds() {
        if (quants() instanceof EightBits) {
            return new Step[] {Fold::wideBlocks};
        }
        int sums = quants().recordSums();
        Step blocks = sums == 1 ? Fold::blocks : Fold::halvedBlocks;
        return hasMinimum ? new Step[] {blocks, p -> Fold.shifts(p, sums, quants().center())} : new Step[] {blocks};
    }

    @Override
    boolean packScales(byte[] in, int columns, int row, short[] out) {
        boolean finite = true;
        for (int block = 0; block < columns / BLOCK; block++) {
            int at = block * fileBytes;
            int to = blockAt(block) / 2 + quants().blockUnits() * GROUP;
            finite &= packHalf(in, at, row, out, to);
            if (hasMinimum) {
                finite &= packHalf(in, at + 2, row, out, to + GROUP);
            }
        }
        return finite;
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
        for (int i = 0; i < p.columns / BLOCK; i++) {
            IntVector pairs = Shorts.load(p.data, headAt(p, i) + offset).reinterpretAsInts();
            Shorts.evenHalves(pairs).intoArray(out, to + i * GROUP);
            Shorts.oddHalves(pairs).intoArray(out, to + i * GROUP + HALF);
        }
    }
}
