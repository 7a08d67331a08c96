package dev.nibble.cpu.interleaved;

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
final class Terms {
    private final int columns;
    private final int center;
    private final int bias;
    private final int count;
    // of term t: factor[t] · a[column[t]] + factorBefore[t] · a[columnBefore[t]]
    private final int[] column;
    private final int[] factor;
    private final int[] columnBefore;
    private final int[] factorBefore;

    /** A field of a word: where it begins, the column it belongs to, how much its lowest bit counts there. */
    record Field(int shift, int column, int weight) {}

    /**
     * Terms of a slot of {@code columns} columns.
     *
     * @param words the fields of each word of the slot, lowest first
     * @param center what is taken off each quant so that the sum of a slot fits 16 bits
     * @param bias what is added to that sum
     */
    Terms(int columns, Field[][] words, int center, int bias) {
        this.columns = columns;
        this.center = center;
        this.bias = bias;
        count = words.length * words[0].length;
        column = new int[count];
        factor = new int[count];
        columnBefore = new int[count];
        factorBefore = new int[count];
        int t = 0;
        for (Field[] word : words) {
            for (int i = 0; i < word.length; i++, t++) {
                column[t] = word[i].column();
                factor[t] = word[i].weight();
                if (i > 0) {
                    columnBefore[t] = word[i - 1].column();
                    factorBefore[t] = -word[i - 1].weight() << word[i].shift() - word[i - 1].shift();
                }
            }
        }
    }

    /** Columns of a slot. */
    int columns() {
        return columns;
    }

    /** What is taken off the quants so that a slot's sum fits 16 bits. */
    int center() {
        return center;
    }

    /** Terms of a slot. */
    int count() {
        return count;
    }

    /** The factors of a slot's terms, each in both halves of an int; {@code a} are activations in the same form. */
    void fill(int[] a, int at, int[] out, int outAt) {
        for (int t = 0; t < count; t++) {
            int value = factor[t] * (a[at + column[t]] >> 16) + factorBefore[t] * (a[at + columnBefore[t]] >> 16);
            out[outAt + t] = Shorts.pairOf(value);
        }
    }

    /** What makes a slot's sum one of centered quants, plus the bias; as the factors. */
    int begin(int[] a, int at) {
        int sum = 0;
        for (int i = at; i < at + columns; i++) {
            sum += a[i] >> 16;
        }
        return Shorts.pairOf(bias - center * sum);
    }
}
