package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;

import dev.nibble.cpu.vector.Lanes;
import java.lang.foreign.MemorySegment;

/** A type of super-blocks of 256 elements: scales of sub-blocks are small integers, to be multiplied by d. */
abstract class SuperBlockLayout extends Layout {
    static final int SUPER_BLOCK = 256;

    private final int blockBytes;
    private final int quantUnits;
    private final boolean hasMinimum;
    private final int subBlocks;

    /** Bytes of the scales of a super-block of a group. */
    private final int scaleBytes;

    /**
     * @param quantUnits units of two bytes of a super-block's quants
     */
    SuperBlockLayout(
            int slotColumns,
            int scaleColumns,
            int blockBytes,
            int quantUnits,
            boolean hasMinimum,
            int center,
            Order order) {
        super(slotColumns, scaleColumns, center, hasMinimum ? -1 : 0, order);
        this.blockBytes = blockBytes;
        this.quantUnits = quantUnits;
        this.hasMinimum = hasMinimum;
        subBlocks = SUPER_BLOCK / scaleColumns;
        scaleBytes = (hasMinimum ? 2 : 1) * (2 + subBlocks) * GROUP;
    }

    @Override
    final int scaleBytes(int columns) {
        return columns / SUPER_BLOCK * scaleBytes;
    }

    @Override
    final int quantBytes(int columns) {
        return columns / SUPER_BLOCK * 2 * quantUnits * GROUP;
    }

    @Override
    final boolean pack(short[] in, int columns, int row, short[] out, int quantsAt) {
        boolean finite = true;
        int lane = Shorts.lane(row);
        for (int block = 0; block < columns / SUPER_BLOCK; block++) {
            int at = block * blockBytes / 2;
            int to = block * scaleBytes / 2;
            finite &= packHalf(in[at + scaleAt()], lane, out, to);
            to += GROUP;
            if (hasMinimum) {
                finite &= packHalf(in[at + scaleAt() + 1], lane, out, to);
                to += GROUP;
            }
            packScales(in, at, row, out, to);
            packQuants(in, at, lane, out, quantsAt + block * quantUnits * GROUP);
        }
        return finite;
    }

    private static boolean packHalf(short half, int lane, short[] out, int at) {
        out[at + lane] = half;
        return isFiniteHalf(half);
    }

    /** Short of the block where d lies, before dmin. */
    abstract int scaleAt();

    /** Puts the scales, or scales and minima, of the sub-blocks of one super-block of a row, a byte each. */
    abstract void packScales(short[] in, int at, int row, short[] out, int to);

    /** Unpacks the eight scales and minima that Q4_K and Q5_K have in 12 bytes, see dev.nibble.cpu.quant.KScales. */
    static void packSixBits(short[] in, int at, int row, short[] out, int to) {
        int low = in[at] & 0xffff | in[at + 1] << 16; // of 4 scales, and high bits of the 4 behind
        int lowMin = in[at + 2] & 0xffff | in[at + 3] << 16;
        int rest = in[at + 4] & 0xffff | in[at + 5] << 16;
        int high = rest & 0x0f0f0f0f | low >>> 2 & 0x30303030;
        int highMin = rest >>> 4 & 0x0f0f0f0f | lowMin >>> 2 & 0x30303030;
        for (int j = 0; j < 4; j++) {
            putByte(out, to + j * GROUP, row, low >> 8 * j & 63);
            putByte(out, to + j * GROUP + GROUP / 2, row, lowMin >> 8 * j & 63);
            putByte(out, to + (4 + j) * GROUP, row, high >> 8 * j);
            putByte(out, to + (4 + j) * GROUP + GROUP / 2, row, highMin >> 8 * j);
        }
    }

    /** Puts the units of one super-block of a row. */
    abstract void packQuants(short[] in, int at, int lane, short[] out, int to);

    @Override
    final void scales(Piece p) {
        int blocks = p.columns / SUPER_BLOCK;
        read(p, 0, blocks, p.scales, p.scalesTo());
        if (hasMinimum) {
            read(p, 1, blocks, p.shifts, p.shiftsTo());
        }
    }

    /** Scales, {@code kind} 0, or minima, 1. */
    private void read(Piece p, int kind, int blocks, float[] out, int to) {
        int kinds = hasMinimum ? 2 : 1;
        halves(p.data, p.scalesAt + 2 * kind * GROUP, scaleBytes, blocks, p.halves, 0);
        long bytes = p.scalesAt + (2 * kinds + kind) * GROUP;
        int shift = Integer.numberOfTrailingZeros(subBlocks);
        multiply(p.data, bytes, scaleBytes, kinds * GROUP, shift, blocks << shift, p.halves, out, to);
    }

    /** {@code out[i] = byte · half of its super-block} for all rows and sub-blocks i. */
    private static void multiply(
            MemorySegment data,
            long bytes,
            int stride,
            int step,
            int shift,
            int count,
            float[] halves,
            float[] out,
            int to) {
        if (data.getClass() != Shorts.OFF_HEAP) {
            throw new IllegalArgumentException("the weights are not off-heap");
        }
        int mask = (1 << shift) - 1;
        for (int i = 0; i < count; i++) {
            long at = bytes + (i >> shift) * stride + (i & mask) * step;
            int half = (i >> shift) * GROUP;
            Shorts.bytes(data, at).mul(Lanes.load(halves, half)).intoArray(out, to + i * GROUP);
            Shorts.bytes(data, at + HALF).mul(Lanes.load(halves, half + HALF)).intoArray(out, to + i * GROUP + HALF);
        }
    }
}
