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
     * Chooses the keys with the greatest scores, of equal ones the earlier.
     *
     * @param keys scores from index {@code at} on; more than {@code count}
     * @param count keys that are chosen
     * @param size positions that a key stands for
     * @param end of the positions: those behind the last key are chosen too
     */
    void choose(int row, float[] scores, int at, int keys, int count, int size, int end, Scratch scratch) {
        float[] order = scratch.panel(keys);
        System.arraycopy(scores, at, order, 0, keys);
        float least = greatest(order, keys, count);
        int equal = count;
        for (int i = 0; i < keys; i++) {
            equal -= scores[at + i] > least ? 1 : 0;
        }
        int first = row * most;
        int next = first;
        for (int i = 0; i < keys && next < first + count * size; i++) {
            float score = scores[at + i];
            if (score > least || score == least && equal-- > 0) {
                for (int position = i * size; position < (i + 1) * size; position++) {
                    positions[next++] = position;
                }
            }
        }
        for (int position = keys * size; position < end; position++) {
            positions[next++] = position;
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
