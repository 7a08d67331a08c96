package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.load;

import dev.nibble.cpu.interleaved.UnmaskedFields.Field;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Quants of 2 or 3 bits, unsigned, more than four fields to a word; a slot has 16 columns.
 *
 * <pre>
 *          word j of a slot, fields from the low bits up    center
 * 2 bits   q[8j], ..., q[8j + 7]                            1
 * 3 bits   q[5j], ..., q[5j + 4], bit j of q[15]            4
 * </pre>
 */
abstract class SmallQuantFields extends Quants {
    static final int COLUMNS = 16;

    private SmallQuantFields(Field[][] words, int center) {
        super(new UnmaskedFields(COLUMNS, words, center, 0), words.length);
    }

    /**
     * Q2_K. Sums of a slot fit 16 bits as they are, {@code 16 · 3 · 127 < 2^15}, and are not centered; the center is 1 so
     * that {@link UnmaskedFields#begin} is the sum of the activations, taken off.
     */
    static final class Two extends SmallQuantFields {
        private static final int CENTER = 1;

        Two() {
            super(words(), CENTER);
        }

        private static Field[][] words() {
            Field[][] words = new Field[2][8];
            for (int i = 0; i < COLUMNS; i++) {
                words[i / 8][i % 8] = new Field(i % 8 * 2, i, 1);
            }
            return words;
        }

        @Override
        void unpack(RowTask p) {
            for (int block = 0; block < p.columns / GroupLayout.BLOCK; block++) {
                int to = p.quantsTo() + block * GroupLayout.BLOCK * p.quantsStride;
                unpack(p.data, p.at + p.layout.quantsAt(block), p.quants, to, p.quantsStride);
            }
        }

        private static void unpack(MemorySegment data, long at, short[] out, int outAt, int stride) {
            for (int i = 0; i < GroupLayout.BLOCK; i++) {
                ShortVector w = load(data, at + (i >> 3) * UNIT);
                w.lanewise(VectorOperators.LSHR, 2 * (i & 7))
                        .and((short) 3)
                        .sub((short) CENTER)
                        .intoArray(out, outAt + i * stride);
            }
        }
    }

    /** Q3_K. */
    static final class Three extends SmallQuantFields {
        private static final int CENTER = 4;
        private static final int UNITS = 3;

        Three() {
            super(words(), CENTER);
        }

        private static Field[][] words() {
            Field[][] words = new Field[UNITS][6];
            for (int j = 0; j < UNITS; j++) {
                for (int i = 0; i < 5; i++) {
                    words[j][i] = new Field(3 * i, 5 * j + i, 1);
                }
                words[j][5] = new Field(15, 15, 1 << j);
            }
            return words;
        }

        @Override
        void unpack(RowTask p) {
            for (int slot = 0; slot < p.columns / COLUMNS; slot++) {
                long at = p.at + p.layout.quantsAt(slot / 2) + slot % 2 * UNITS * UNIT;
                unpack(p.data, at, p.quants, p.quantsTo() + slot * COLUMNS * p.quantsStride, p.quantsStride);
            }
        }

        private static void unpack(MemorySegment data, long at, short[] out, int outAt, int stride) {
            ShortVector last = ShortVector.zero(Shorts.S);
            for (int j = 0; j < UNITS; j++) {
                ShortVector w = load(data, at + j * UNIT);
                for (int i = 0; i < 5; i++) {
                    w.lanewise(VectorOperators.LSHR, 3 * i)
                            .and((short) 7)
                            .sub((short) CENTER)
                            .intoArray(out, outAt + (5 * j + i) * stride);
                }
                last = w.lanewise(VectorOperators.LSHR, 15)
                        .lanewise(VectorOperators.LSHL, j)
                        .or(last);
            }
            last.sub((short) CENTER).intoArray(out, outAt + 15 * stride);
        }
    }
}
