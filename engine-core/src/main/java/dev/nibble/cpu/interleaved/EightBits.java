package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.LANES;
import static dev.nibble.cpu.interleaved.Shorts.load;

import dev.nibble.cpu.interleaved.UnmaskedFields.Field;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Quants of 8 bits, plus 128: Q8_0. A word has two; the products of two columns fit 16 bits, 2 · 128 · 127 &lt; 2^15, those
 * of more do not. With 2^15 added they are positive, so that both shorts of an int can be summed at once: the upper ones
 * are also summed by themselves and taken off at last.
 */
final class EightBits extends Quants {
    private static final int CENTER = 128;
    private static final int BIAS = 1 << 15;

    /** Added to the sum of a block by its slots. */
    static final int BLOCK_BIAS = GroupLayout.BLOCK / 2 * BIAS;

    EightBits() {
        super(new UnmaskedFields(2, new Field[][] {{new Field(0, 0, 1), new Field(8, 1, 1)}}, CENTER, BIAS), 1);
    }

    @Override
    void unpack(RowTask p) {
        unpack(p.data, p.at, p.layout.blockBytes(), p.columns / 2, p.quants, p.quantsTo());
    }

    private static void unpack(MemorySegment data, long at, int blockBytes, int units, short[] out, int to) {
        for (int i = 0; i < units; i++) {
            ShortVector w = load(data, at + (i >> 4) * blockBytes + (i & 15) * UNIT);
            w.and((short) 255).sub((short) CENTER).intoArray(out, to + 2 * i * LANES);
            w.lanewise(VectorOperators.LSHR, 8).sub((short) CENTER).intoArray(out, to + (2 * i + 1) * LANES);
        }
    }
}
