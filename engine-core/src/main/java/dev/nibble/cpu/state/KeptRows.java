package dev.nibble.cpu.state;

/** The states of the last positions of a sequence, [positions, width] in a ring. */
public final class KeptRows {
    private final float[] values;
    private final int positions;
    private final int width;
    /** Those from here to {@link #to} are there. */
    private int from;

    private int to;

    KeptRows(int positions, int width) {
        this.positions = positions;
        this.width = width;
        values = new float[Math.multiplyExact(positions, width)];
    }

    /** Where the state of a position goes, which is the last then; what is kept of others stays as far as it goes on to there. */
    public int place(int position) {
        truncate(position);
        if (position != to) {
            from = position;
        }
        to = position + 1;
        from = Math.max(from, to - positions);
        return position % positions * width;
    }

    public float[] values() {
        return values;
    }

    void truncate(int length) {
        to = Math.min(to, length);
        from = Math.min(from, to);
    }

    /** The first position up to {@code length} from which on all are there. */
    int first(int length) {
        return to == length ? from : length;
    }

    void copy(int position, float[] state) {
        if (position < from || position >= to) {
            throw new IllegalArgumentException(
                    "the state of position " + position + " is not among those kept, from " + from + " to " + to);
        }
        System.arraycopy(values, position % positions * width, state, 0, width);
    }
}
