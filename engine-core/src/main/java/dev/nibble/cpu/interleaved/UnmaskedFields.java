package dev.nibble.cpu.interleaved;

import dev.nibble.cpu.vector.Lanes;
import java.util.Arrays;
import java.util.stream.IntStream;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * What the activations of a slot are multiplied with, term by term, where several quants share a word of 16 bits.
 *
 * <p>A word is a sum of fields, {@code w = Σ q_i · 2^(s_i)}, and {@code w >>> s_i} has the field i and all above it. So
 * that no field need be masked, the activation of a field is taken off again from the next one's:
 *
 * <pre>
 * Σ a_i · q_i = Σ c_i · (w >>> s_i)    with c_0 = a_0, c_i = a_i - 2^(s_i - s_(i-1)) · a_(i-1)
 * </pre>
 *
 * <p>This holds modulo 2^16, whatever overflows on the way, so it holds for the sum if that fits 16 bits: what is to be
 * added to it first is {@link #begin}. A quant may be cut into several fields: a field counts {@code weight} times.
 */
final class UnmaskedFields {
    private final int columns;
    private final int center;
    private final int bias;
    private final int count;

    /** Whether each column has one term, in the order of columns. */
    private final boolean inOrder;

    // of term t of a piece: factor[t] · a[column[t]] + factorBefore[t] · a[column[t - 1]]
    private final int[] column;
    private final int[] factor;
    private final int[] factorBefore;

    /** A field of a word: where it begins, the column it belongs to, how much its lowest bit counts there. */
    record Field(int shift, int column, int weight) {}

    /**
     * UnmaskedFields of a slot of {@code columns} columns.
     *
     * @param words the fields of each word of the slot, lowest first
     * @param center what is taken off each quant so that the sum of a slot fits 16 bits
     * @param bias what is added to that sum
     */
    UnmaskedFields(int columns, Field[][] words, int center, int bias) {
        this.columns = columns;
        this.center = center;
        this.bias = bias;
        count = words.length * words[0].length;
        int slots = GroupLayout.PIECE / columns;
        column = new int[slots * count];
        factor = new int[slots * count];
        factorBefore = new int[slots * count];
        for (int slot = 0, t = 0; slot < slots; slot++) {
            for (Field[] word : words) {
                for (int i = 0; i < word.length; i++, t++) {
                    column[t] = slot * columns + word[i].column();
                    factor[t] = word[i].weight();
                    if (i > 0) {
                        factorBefore[t] = -word[i - 1].weight() << word[i].shift() - word[i - 1].shift();
                    }
                }
            }
        }
        inOrder = Arrays.equals(column, IntStream.range(0, column.length).toArray());
    }

    /** Columns of a slot. */
    int columns() {
        return columns;
    }

    /** What is taken off the quants so that a slot's sum fits 16 bits. */
    int center() {
        return center;
    }

    /** UnmaskedFields of a slot. */
    int count() {
        return count;
    }

    /** Ints that {@link #fill} needs for itself. */
    int scratch() {
        return column.length + 1;
    }

    /**
     * The factors of the terms of {@code slots} slots and {@link #begin} of each, all in both halves of an int.
     *
     * @param a activations in the same form, from {@code at} on
     * @param scratch {@link #scratch} ints
     */
    void fill(int[] a, int at, int slots, int[] scratch, int[] out, int outAt, int[] begins, int beginsAt) {
        int pieceSlots = GroupLayout.PIECE / columns;
        for (int from = 0; from < slots; from += pieceSlots) {
            int terms = Math.min(pieceSlots, slots - from) * count;
            int first = at + from * columns;
            if (inOrder) {
                System.arraycopy(a, first, scratch, 1, terms);
            } else {
                for (int t = 0; t < terms; t++) {
                    scratch[t + 1] = a[first + column[t]];
                }
            }
            multiply(scratch, terms, out, outAt + from * count);
        }
        for (int slot = 0; slot < slots; slot++) {
            begins[beginsAt + slot] = begin(a, at + slot * columns);
        }
    }

    /** The lower halves of values are enough, as the results are wanted modulo 2^16. */
    private void multiply(int[] values, int terms, int[] out, int to) {
        int t = 0;
        for (; t <= terms - Lanes.COUNT; t += Lanes.COUNT) {
            IntVector value = IntVector.fromArray(Lanes.I, values, t + 1)
                    .mul(IntVector.fromArray(Lanes.I, factor, t))
                    .add(IntVector.fromArray(Lanes.I, values, t).mul(IntVector.fromArray(Lanes.I, factorBefore, t)));
            value.and(0xffff).or(value.lanewise(VectorOperators.LSHL, 16)).intoArray(out, to + t);
        }
        for (; t < terms; t++) {
            out[to + t] = Shorts.pairOf(values[t + 1] * factor[t] + values[t] * factorBefore[t]);
        }
    }

    /** What makes a slot's sum one of centered quants, plus the bias; as the factors. */
    private int begin(int[] a, int at) {
        int sum = 0;
        int i = at;
        if (columns >= Lanes.COUNT) {
            IntVector sums = IntVector.zero(Lanes.I);
            for (; i <= at + columns - Lanes.COUNT; i += Lanes.COUNT) {
                sums = sums.add(IntVector.fromArray(Lanes.I, a, i));
            }
            sum = sums.reduceLanes(VectorOperators.ADD);
        }
        for (; i < at + columns; i++) {
            sum += a[i];
        }
        return Shorts.pairOf(bias - center * (short) sum);
    }
}
