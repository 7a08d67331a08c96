package dev.nibble.cpu.op;

import dev.nibble.cpu.state.Pass;
import dev.nibble.model.RopeConfig;

/** Rotates queries and keys by their positions (Su et al. 2021, arXiv 2104.09864). One instance for each rotation. */
public final class Rope {
    private final RopeConfig config;
    private final double[] frequencies;
    private float[] cos = new float[0]; // [rows, dims/2]
    private float[] sin = new float[0];

    public Rope(RopeConfig config) {
        this.config = config;
        frequencies = config.frequencies();
    }

    /** Computes the angles of the rows of a batch, once for all layers that share this rotation. */
    public void prepare(Pass pass) {
        reserve(pass.rows());
        for (int row = 0; row < pass.rows(); row++) {
            prepare(row, pass.position(row));
        }
    }

    /** Makes room for the angles of {@code rows} rows. */
    public void reserve(int rows) {
        if (cos.length < rows * frequencies.length) {
            cos = new float[rows * frequencies.length];
            sin = new float[rows * frequencies.length];
        }
    }

    /** Computes the angles of one row. */
    public void prepare(int row, int position) {
        int pairs = frequencies.length;
        for (int i = 0; i < pairs; i++) {
            double angle = position * frequencies[i];
            cos[row * pairs + i] = (float) (Math.cos(angle) * config.magnitude());
            sin[row * pairs + i] = (float) (Math.sin(angle) * config.magnitude());
        }
    }

    /** Rotates the heads of one row in place. */
    public void apply(int row, float[] values, int offset, int heads, int headDim) {
        int pairs = frequencies.length;
        int table = row * pairs;
        for (int head = 0; head < heads; head++) {
            int at = offset + head * headDim;
            switch (config.style()) {
                case ADJACENT -> rotateAdjacent(values, at, table, pairs);
                case HALVES -> rotateHalves(values, at, table, pairs);
            }
        }
    }

    private void rotateAdjacent(float[] values, int at, int table, int pairs) {
        for (int i = 0; i < pairs; i++) {
            float a = values[at + 2 * i];
            float b = values[at + 2 * i + 1];
            values[at + 2 * i] = a * cos[table + i] - b * sin[table + i];
            values[at + 2 * i + 1] = a * sin[table + i] + b * cos[table + i];
        }
    }

    private void rotateHalves(float[] values, int at, int table, int pairs) {
        for (int i = 0; i < pairs; i++) {
            float a = values[at + i];
            float b = values[at + i + pairs];
            values[at + i] = a * cos[table + i] - b * sin[table + i];
            values[at + i + pairs] = a * sin[table + i] + b * cos[table + i];
        }
    }
}
