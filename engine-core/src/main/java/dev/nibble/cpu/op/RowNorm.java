package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.state.Pass;
import dev.nibble.model.Norm;
import org.jspecify.annotations.Nullable;

/** Normalizes rows: RMS norm (Zhang and Sennrich 2019) and layer norm, mean and sum in double. */
public final class RowNorm {
    private RowNorm() {}

    /** {@code out[outOffset..] = norm(in[inOffset..])} for one row as wide as the norm; in place is fine. */
    public static void apply(VectorOps ops, Norm norm, float[] in, int inOffset, float[] out, int outOffset) {
        int width = norm.width() / norm.groups();
        for (int at = 0; at < norm.width(); at += width) {
            apply(ops, norm, at, width, in, inOffset + at, out, outOffset + at);
        }
    }

    /** All rows of the batch, [rows, width]; copies them where there is no norm. */
    public static void applyToRows(Pass pass, @Nullable Norm norm, float[] in, float[] out, int width) {
        if (norm == null) {
            System.arraycopy(in, 0, out, 0, pass.rows() * width);
            return;
        }
        pass.part(NormJob.class, NormJob::new).run(pass, norm, in, out, width);
    }

    /** One group with the part of the norm's weights from {@code weightOffset} on. */
    private static void apply(
            VectorOps ops,
            Norm norm,
            int weightOffset,
            int width,
            float[] in,
            int inOffset,
            float[] out,
            int outOffset) {
        float[] bias = norm.bias();
        switch (norm.kind()) {
            case RMS -> {
                float factor = rmsFactor(ops, in, inOffset, width, norm.epsilon());
                ops.scaleMultiply(in, inOffset, factor, norm.weight(), weightOffset, out, outOffset, width);
            }
            case LAYER -> layerNorm(norm, weightOffset, width, in, inOffset, out, outOffset);
        }
        if (bias != null) {
            ops.add(bias, weightOffset, out, outOffset, width);
        }
    }

    /** 1 / sqrt(mean(x²) + epsilon). */
    public static float rmsFactor(VectorOps ops, float[] in, int inOffset, int width, float epsilon) {
        double meanSquare = (double) ops.sumOfSquares(in, inOffset, width) / width;
        return (float) (1 / Math.sqrt(meanSquare + epsilon));
    }

    private static void layerNorm(
            Norm norm, int weightOffset, int width, float[] in, int inOffset, float[] out, int outOffset) {
        double sum = 0;
        for (int i = 0; i < width; i++) {
            sum += in[inOffset + i];
        }
        double mean = sum / width;
        double squares = 0;
        for (int i = 0; i < width; i++) {
            double centered = in[inOffset + i] - mean;
            squares += centered * centered;
        }
        double factor = 1 / Math.sqrt(squares / width + norm.epsilon());
        for (int i = 0; i < width; i++) {
            out[outOffset + i] = (float) ((in[inOffset + i] - mean) * factor) * norm.weight()[weightOffset + i];
        }
    }

    /** Normalizes each of {@code heads} heads of a row in place, or the whole row if the weights are that wide. */
    public static void applyToHeads(
            VectorOps ops, @Nullable Norm norm, float[] values, int offset, int heads, int headDim) {
        if (norm == null) {
            return;
        }
        if (norm.width() == headDim) {
            for (int head = 0; head < heads; head++) {
                int at = offset + head * headDim;
                apply(ops, norm, values, at, values, at);
            }
        } else {
            apply(ops, norm, values, offset, values, offset);
        }
    }
}
