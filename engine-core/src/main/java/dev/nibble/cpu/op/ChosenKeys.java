package dev.nibble.cpu.op;

import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.Pass;
import java.util.Arrays;

/** Which keys each row of a running pass reads, as the last layer with an indexer chose. */
final class ChosenKeys {
    private int most;
    private int[] counts = new int[0]; // [rows]; 0 for all keys
    private int[] positions = new int[0]; // [rows, most], ascending

    static ChosenKeys of(Pass pass) {
        return pass.part(ChosenKeys.class, ChosenKeys::new);
    }

    /** Makes room for {@code mostKeys} of each row; what was chosen is lost, and all rows read all keys. */
    void begin(int rows, int mostKeys) {
        most = mostKeys;
        int size = Math.multiplyExact(rows, most);
        if (counts.length < rows || positions.length < size) {
            counts = new int[rows];
            positions = new int[size];
        }
        Arrays.fill(counts, 0, rows, 0);
    }

    /** Whether a row reads all keys that it sees. */
    boolean readsAll(int row) {
        return counts[row] == 0;
    }

    /** How many keys a row reads that does not read all. */
    int count(int row) {
        return counts[row];
    }

    /** One of those keys, in the order of positions. */
    int position(int row, int index) {
        return positions[row * most + index];
    }

    /**
     * Chooses the keys with the greatest scores, as many as there is room for, of equal ones the earlier.
     *
     * @param count scores from index {@code at} on; more than there is room for
     */
    void choose(int row, float[] scores, int at, int count, Scratch scratch) {
        float[] order = scratch.panel(count);
        System.arraycopy(scores, at, order, 0, count);
        float least = greatest(order, count, most);
        int equal = most;
        for (int i = 0; i < count; i++) {
            equal -= scores[at + i] > least ? 1 : 0;
        }
        int first = row * most;
        int next = first;
        for (int i = 0; i < count && next < first + most; i++) {
            float score = scores[at + i];
            if (score > least || score == least && equal-- > 0) {
                positions[next++] = i;
            }
        }
        counts[row] = next - first;
    }

    /** The value that {@code rank - 1} others are not less than; the values are put in another order (Hoare 1961, Find). */
    private static float greatest(float[] values, int count, int rank) {
        int wanted = rank - 1;
        int low = 0;
        int high = count - 1;
        while (low < high) {
            float pivot = values[wanted];
            int i = low;
            int j = high;
            while (i <= j) {
                while (values[i] > pivot) {
                    i++;
                }
                while (pivot > values[j]) {
                    j--;
                }
                if (i <= j) {
                    float swapped = values[i];
                    values[i++] = values[j];
                    values[j--] = swapped;
                }
            }
            if (j < wanted) {
                low = i;
            }
            if (wanted < i) {
                high = j;
            }
        }
        return values[wanted];
    }
}
