package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.load;

import dev.nibble.cpu.interleaved.UnmaskedFields.Field;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Quants of 4, 5 or 6 bits, unsigned, four fields to a word.
 *
 * <pre>
 *          word j of a slot, fields from the low bits up             columns   center
 * 4 bits   q[4j], q[4j + 1], q[4j + 2], q[4j + 3]                    32        8
 * 5 bits   q[3j], q[3j + 1], q[3j + 2], bit j of q[15]               16        16
 * 6 bits   q[2j], q[2j + 1], bits 2j and 2j + 1 of q[6], of q[7]     8         32
 * </pre>
 *
 * <p>Centered, a slot's sum is at most {@code columns · center · 127 = 32512 < 2^15}.
 */
abstract class Fields extends Quants {
    private final int shift;
    private final int lastShift;

    /**
     * @param shift bits from a field of a word to the next one
     * @param lastShift bits from the third field to the last one
     */
    private Fields(int columns, Field[][] words, int center, int shift, int lastShift) {
        super(new UnmaskedFields(columns, words, center, 0), words.length);
        this.shift = shift;
        this.lastShift = lastShift;
    }

    /** Bits from a field of a word to the next one. */
    final int shift() {
        return shift;
    }

    /** Bits from the third field of a word to the last one. */
    final int lastShift() {
        return lastShift;
    }

    private static Field[][] words(int count, java.util.function.IntFunction<Field[]> word) {
        Field[][] words = new Field[count][];
        for (int j = 0; j < count; j++) {
            words[j] = word.apply(j);
        }
        return words;
    }

    private static ShortVector field(ShortVector w, int shift, int mask) {
        return w.lanewise(VectorOperators.LSHR, shift).and((short) mask);
    }

    /** Q4_0, Q4_1, Q4_K. */
    static final class Four extends Fields {
        private static final int CENTER = 8;
        private static final int UNITS = 8;

        Four() {
            super(
                    32,
                    words(UNITS, j -> new Field[] {
                        new Field(0, 4 * j, 1),
                        new Field(4, 4 * j + 1, 1),
                        new Field(8, 4 * j + 2, 1),
                        new Field(12, 4 * j + 3, 1)
                    }),
                    CENTER,
                    4,
                    4);
        }

        @Override
        void unpack(RowTask p) {
            unpack(
                    p.data,
                    p.at + p.layout.quantsAt(0),
                    p.layout.blockBytes(),
                    p.columns / 4,
                    p.quants,
                    p.quantsTo(),
                    p.quantsStride);
        }

        private static void unpack(
                MemorySegment data, long at, int blockBytes, int units, short[] out, int outAt, int stride) {
            for (int i = 0; i < units; i++) {
                ShortVector w = load(data, at + (i >> 3) * blockBytes + (i & 7) * UNIT);
                int to = outAt + 4 * i * stride;
                w.and((short) 15).sub((short) CENTER).intoArray(out, to);
                field(w, 4, 15).sub((short) CENTER).intoArray(out, to + stride);
                field(w, 8, 15).sub((short) CENTER).intoArray(out, to + 2 * stride);
                w.lanewise(VectorOperators.LSHR, 12).sub((short) CENTER).intoArray(out, to + 3 * stride);
            }
        }
    }

    /** Q5_0, Q5_1, Q5_K. */
    static final class Five extends Fields {
        private static final int CENTER = 16;
        private static final int UNITS = 5;

        Five() {
            super(
                    16,
                    words(UNITS, j -> new Field[] {
                        new Field(0, 3 * j, 1),
                        new Field(5, 3 * j + 1, 1),
                        new Field(10, 3 * j + 2, 1),
                        new Field(15, 15, 1 << j)
                    }),
                    CENTER,
                    5,
                    5);
        }

        @Override
        void unpack(RowTask p) {
            for (int block = 0; block < p.columns / 32; block++) {
                int to = p.quantsTo() + block * 32 * p.quantsStride;
                unpack(p.data, p.at + p.layout.quantsAt(block), p.quants, to, p.quantsStride);
            }
        }

        private static void unpack(MemorySegment data, long at, short[] out, int outAt, int stride) {
            ShortVector last = ShortVector.zero(Shorts.S);
            int j = 0;
            int to = outAt;
            for (int i = 0; i < 2 * UNITS; i++) {
                ShortVector w = load(data, at + i * UNIT);
                w.and((short) 31).sub((short) CENTER).intoArray(out, to);
                field(w, 5, 31).sub((short) CENTER).intoArray(out, to + stride);
                field(w, 10, 31).sub((short) CENTER).intoArray(out, to + 2 * stride);
                last = w.lanewise(VectorOperators.LSHR, 15)
                        .lanewise(VectorOperators.LSHL, j)
                        .or(last);
                to += 3 * stride;
                if (++j == UNITS) {
                    j = 0;
                    last.sub((short) CENTER).intoArray(out, to);
                    to += stride;
                    last = ShortVector.zero(Shorts.S);
                }
            }
        }
    }

    /** Q6_K. */
    static final class Six extends Fields {
        private static final int CENTER = 32;
        private static final int UNITS = 3;

        Six() {
            super(
                    8,
                    words(UNITS, j -> new Field[] {
                        new Field(0, 2 * j, 1),
                        new Field(6, 2 * j + 1, 1),
                        new Field(12, 6, 1 << 2 * j),
                        new Field(14, 7, 1 << 2 * j)
                    }),
                    CENTER,
                    6,
                    2);
        }

        @Override
        void unpack(RowTask p) {
            for (int block = 0; block < p.columns / 32; block++) {
                int to = p.quantsTo() + block * 32 * p.quantsStride;
                unpack(p.data, p.at + p.layout.quantsAt(block), p.quants, to, p.quantsStride);
            }
        }

        private static void unpack(MemorySegment data, long at, short[] out, int to, int stride) {
            ShortVector seventh = ShortVector.zero(Shorts.S);
            ShortVector eighth = seventh;
            int j = 0;
            int slot = to;
            for (int i = 0; i < 4 * UNITS; i++) {
                ShortVector w = load(data, at + i * UNIT);
                w.and((short) 63).sub((short) CENTER).intoArray(out, slot + 2 * j * stride);
                field(w, 6, 63).sub((short) CENTER).intoArray(out, slot + (2 * j + 1) * stride);
                seventh = field(w, 12, 3).lanewise(VectorOperators.LSHL, 2 * j).or(seventh);
                eighth = w.lanewise(VectorOperators.LSHR, 14)
                        .lanewise(VectorOperators.LSHL, 2 * j)
                        .or(eighth);
                if (++j == UNITS) {
                    j = 0;
                    seventh.sub((short) CENTER).intoArray(out, slot + 6 * stride);
                    eighth.sub((short) CENTER).intoArray(out, slot + 7 * stride);
                    slot += 8 * stride;
                    seventh = ShortVector.zero(Shorts.S);
                    eighth = seventh;
                }
            }
        }
    }
}
