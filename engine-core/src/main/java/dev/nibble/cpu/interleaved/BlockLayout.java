package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;

/** A type of plain blocks of 32 elements: a scale d, perhaps a minimum m, then quants. */
abstract class BlockLayout extends Layout {
    private final int blockBytes;
    private final boolean hasMinimum;

    /** Bytes of d, or of d and m. */
    final int headBytes;

    BlockLayout(int slotColumns, int blockBytes, boolean hasMinimum, int center, Order order) {
        super(slotColumns, BLOCK, center, hasMinimum ? 1 : 0, order);
        this.blockBytes = blockBytes;
        this.hasMinimum = hasMinimum;
        headBytes = hasMinimum ? 4 : 2;
    }

    @Override
    final int scaleBytes(int columns) {
        return columns / BLOCK * headBytes * GROUP;
    }

    @Override
    final int quantBytes(int columns) {
        return columns / BLOCK * (blockBytes - headBytes) * GROUP;
    }

    @Override
    final boolean pack(short[] in, int columns, int row, short[] out, int quantsAt) {
        boolean finite = true;
        int lane = Shorts.lane(row);
        int heads = headBytes / 2;
        int units = blockBytes / 2 - heads;
        for (int block = 0; block < columns / BLOCK; block++) {
            int at = block * blockBytes / 2;
            for (int i = 0; i < heads; i++) {
                finite &= isFiniteHalf(in[at + i]);
            }
            packUnits(in, at, heads, lane, out, block * heads * GROUP);
            packQuants(in, at + heads, lane, out, quantsAt + block * units * GROUP);
        }
        return finite;
    }

    /** Puts the units of one block of a row. */
    abstract void packQuants(short[] in, int at, int lane, short[] out, int to);

    @Override
    final void scales(Piece p) {
        int blocks = p.columns / BLOCK;
        int stride = headBytes * GROUP;
        halves(p.data, p.scalesAt, stride, blocks, p.scales, p.scalesTo());
        if (hasMinimum) {
            halves(p.data, p.scalesAt + 2 * GROUP, stride, blocks, p.shifts, p.shiftsTo());
        }
    }
}
