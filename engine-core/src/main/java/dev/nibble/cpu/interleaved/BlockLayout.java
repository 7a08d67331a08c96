package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.LANES;

import dev.nibble.cpu.quant.QuantReader;
import dev.nibble.cpu.vector.Levels;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** A type of plain blocks of 32 elements: a scale d, perhaps a minimum m, then quants. */
final class BlockLayout extends GroupLayout {
    private final int fileBytes;
    private final boolean hasMinimum;

    /** Whether the scale is the exponent of a power of two. */
    private final boolean powers;

    /**
     * @param fileBytes bytes of a block in the file
     */
    BlockLayout(Quants quants, QuantReader reader, int fileBytes, boolean hasMinimum) {
        this(quants, reader, fileBytes, hasMinimum, false);
    }

    private BlockLayout(Quants quants, QuantReader reader, int fileBytes, boolean hasMinimum, boolean powers) {
        super(quants, reader, BLOCK, hasMinimum ? 1 : 0, hasMinimum ? 2 : 1, 0, false);
        this.fileBytes = fileBytes;
        this.hasMinimum = hasMinimum;
        this.powers = powers;
    }

    static BlockLayout mxfp4() {
        return new BlockLayout(new TableQuants(Levels.E2M1_DOUBLED.toArray()), QuantReader.q4(17), 17, false, true);
    }

    @Override
    SeparateLoop[] rowLoops() {
        if (quants().exact()) {
            return new SeparateLoop[] {readScales(), TableQuants::multiply};
        }
        if (quants() instanceof EightBits) {
            return new SeparateLoop[] {OneInputLoops512.SERVES ? OneInputLoops512::eight : OneInputLoopsNarrow::eight};
        }
        int sums = quants().recordSums();
        if (sums == 1 && !OneInputLoops512.SERVES) {
            return new SeparateLoop[] {OneInputLoopsNarrow::four};
        }
        if (sums == 1 && !hasMinimum) {
            return new SeparateLoop[] {OneInputLoops512::four};
        }
        SeparateLoop blocks = sums == 1 ? ScaleSums::blocks : ScaleSums::halvedBlocks;
        return hasMinimum
                ? new SeparateLoop[] {BlockSums::fields, blocks, p -> ScaleSums.shifts(p, sums, quants().center())}
                : new SeparateLoop[] {BlockSums::fields, blocks};
    }

    @Override
    boolean packScales(byte[] in, int columns, int row, short[] out) {
        boolean finite = true;
        for (int block = 0; block < columns / BLOCK; block++) {
            int at = block * fileBytes;
            int to = headAt(block) / 2;
            if (powers) {
                out[to + Shorts.lane(row)] = upperHalf(in[at] & 0xff);
                continue;
            }
            finite &= packHalf(in, at, row, out, to);
            if (hasMinimum) {
                finite &= packHalf(in, at + 2, row, out, to + GROUP);
            }
        }
        return finite;
    }

    /** The upper half of the float 2^(exponent - 128), whose lower half is 0: levels are doubled. */
    private static short upperHalf(int exponent) {
        return (short) (exponent < 2 ? 0x20 << exponent : exponent - 1 << 7);
    }

    private static boolean packHalf(byte[] in, int at, int row, short[] out, int to) {
        short half = QuantReader.shortAt(in, at);
        out[to + Shorts.lane(row)] = half;
        return isFiniteHalf(half);
    }

    @Override
    SeparateLoop readScales() {
        return powers ? this::powers : this::scales;
    }

    private void powers(RowTask p) {
        powers(p.data, p.at + headAt(0), blockBytes(), p.columns / BLOCK, p.scales, p.scalesTo());
    }

    private static void powers(MemorySegment data, long at, int stride, int blocks, float[] out, int to) {
        for (int i = 0; i < blocks; i++) {
            IntVector pairs = Shorts.load(data, at + i * stride).reinterpretAsInts();
            pairs.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(out, to + i * LANES);
            pairs.and(0xffff0000).reinterpretAsFloats().intoArray(out, to + i * LANES + HALF);
        }
    }

    private void scales(RowTask p) {
        for (int i = 0; i < headUnits(); i++) {
            halves(p, i * Quants.UNIT, i == 0 ? p.scales : p.shifts, i == 0 ? p.scalesTo() : p.shiftsTo());
        }
    }

    private void halves(RowTask p, int offset, float[] out, int to) {
        for (int i = 0; i < p.columns / BLOCK; i++) {
            IntVector pairs = Shorts.load(p.data, p.at + headAt(i) + offset).reinterpretAsInts();
            Shorts.evenHalves(pairs).mul(Shorts.HALF_BIAS).intoArray(out, to + i * LANES);
            Shorts.oddHalves(pairs).mul(Shorts.HALF_BIAS).intoArray(out, to + i * LANES + HALF);
        }
    }
}
