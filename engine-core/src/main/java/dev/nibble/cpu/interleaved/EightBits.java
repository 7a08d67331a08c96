package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.load;

import dev.nibble.cpu.interleaved.Terms.Field;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Quants of 8 bits, signed: Q8_0. A word has two; their products fit 16 bits, 2 · 128 · 127 &lt; 2^15, those of more
 * columns do not.
 */
final class EightBits extends Quants {
    private static final Field[][] WORD = {{new Field(0, 0, 1)}, {new Field(0, 1, 1)}};

    EightBits() {
        super(new Terms(2, WORD), 1, 0);
    }

    static ShortVector low(ShortVector w) {
        return w.lanewise(VectorOperators.LSHL, 8).lanewise(VectorOperators.ASHR, 8);
    }

    static ShortVector high(ShortVector w) {
        return w.lanewise(VectorOperators.ASHR, 8);
    }

    @Override
    void unpack(Piece p) {
        unpack(p.data, p.at, p.layout.blockBytes(), p.columns / 2, p.quants, p.quantsTo());
    }

    private static void unpack(MemorySegment data, long at, int blockBytes, int units, short[] out, int to) {
        Shorts.mayFault(data, at);
        for (int i = 0; i < units; i++) {
            ShortVector w = load(data, at + (i >> 4) * blockBytes + (i & 15) * UNIT);
            low(w).intoArray(out, to + 2 * i * GROUP);
            high(w).intoArray(out, to + (2 * i + 1) * GROUP);
        }
    }
}
