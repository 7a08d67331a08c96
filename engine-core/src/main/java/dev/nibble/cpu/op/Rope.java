package dev.nibble.cpu.op;

import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.model.RopeConfig;

/**
 * Rotates queries and keys by their positions (Su et al. 2021, arXiv 2104.09864). One instance for each rotation; the angles
 * of the rows of a batch lie in {@link Buffer#ANGLES}.
 */
public final class Rope {
    private final RopeConfig config;
    private final double[] frequencies;
    private final int start;

    /**
     * A rotation.
     *
     * @param start values that a row has in {@link Buffer#ANGLES} of rotations before this one
     */
    public Rope(RopeConfig config, int start) {
        this.config = config;
        this.start = start;
        frequencies = config.frequencies();
    }

    /** Values that a row has in {@link Buffer#ANGLES}: a cosine and a sine for each pair of elements. */
    public int width() {
        return 2 * frequencies.length;
    }

    /** Computes the angles of the rows of a batch, once for all layers that share this rotation. */
    public void prepare(Pass pass) {
        float[] angles = pass.workspace.get(Buffer.ANGLES);
        for (int row = 0; row < pass.rows(); row++) {
            prepare(angles, at(pass, row), pass.position(row));
        }
    }

    /** Rotates the heads of one row in place. */
    void apply(Pass pass, int row, float[] values, int offset, int heads, int headDim) {
        apply(pass.workspace.get(Buffer.ANGLES), at(pass, row), values, offset, heads, headDim);
    }

    /** Likewise the other way round. */
    void applyBack(Pass pass, int row, float[] values, int offset, int heads, int headDim) {
        apply(pass.workspace.get(Buffer.ANGLES), at(pass, row), values, offset, heads, headDim, -1);
    }

    /** Where the angles of a row begin; those of one rotation lie together. */
    private int at(Pass pass, int row) {
        return pass.rows() * start + row * width();
    }

    /** Computes the angles of one position: {@link #width} values from index {@code at} on. */
    public void prepare(float[] angles, int at, int position) {
        int pairs = frequencies.length;
        for (int i = 0; i < pairs; i++) {
            double angle = position * frequencies[i];
            angles[at + i] = (float) (Math.cos(angle) * config.magnitude());
            angles[at + pairs + i] = (float) (Math.sin(angle) * config.magnitude());
        }
    }

    /** Rotates heads in place by the angles from index {@code at} on. */
    public void apply(float[] angles, int at, float[] values, int offset, int heads, int headDim) {
        apply(angles, at, values, offset, heads, headDim, 1);
    }

    private void apply(float[] angles, int at, float[] values, int offset, int heads, int headDim, int direction) {
        int pairs = frequencies.length;
        for (int head = 0; head < heads; head++) {
            int first = offset + head * headDim;
            switch (config.style()) {
                case ADJACENT -> rotateAdjacent(values, first, angles, at, pairs, direction);
                case HALVES -> rotateHalves(values, first, angles, at, pairs, direction);
            }
        }
    }

    private static void rotateAdjacent(float[] values, int first, float[] angles, int at, int pairs, int direction) {
        for (int i = 0; i < pairs; i++) {
            float a = values[first + 2 * i];
            float b = values[first + 2 * i + 1];
            float cos = angles[at + i];
            float sin = direction * angles[at + pairs + i];
            values[first + 2 * i] = a * cos - b * sin;
            values[first + 2 * i + 1] = a * sin + b * cos;
        }
    }

    private static void rotateHalves(float[] values, int first, float[] angles, int at, int pairs, int direction) {
        for (int i = 0; i < pairs; i++) {
            float a = values[first + i];
            float b = values[first + i + pairs];
            float cos = angles[at + i];
            float sin = direction * angles[at + pairs + i];
            values[first + i] = a * cos - b * sin;
            values[first + i + pairs] = a * sin + b * cos;
        }
    }
}
