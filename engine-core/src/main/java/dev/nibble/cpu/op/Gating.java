package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.model.Activation;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The non-linearity of feed-forward layers: {@code out = act(gate) · up}. */
public final class Gating {
    /** Constants of gpt-oss: slope of the sigmoid and clamp. */
    private static final float OAI_ALPHA = 1.702f;

    private static final float OAI_LIMIT = 7;

    /** What stands in for the up projection where there is no gate. */
    private static final float[] ONES = new float[256];

    static {
        Arrays.fill(ONES, 1);
    }

    private Gating() {}

    /** One row: {@code out = act(gate) · up}, or {@code act(up)} without a gate. */
    public static void apply(
            VectorOps ops,
            Activation activation,
            float @Nullable [] gate,
            float[] up,
            int inOffset,
            float[] out,
            int outOffset,
            int count) {
        switch (activation) {
            case Activation.Plain plain -> apply(ops, plain, gate, up, inOffset, out, outOffset, count);
            case Activation.ClampedSwiGlu clamp -> clamped(clamp, gate, up, inOffset, out, outOffset, count);
            case Activation.Situ situ -> situ(situ, gate, up, inOffset, out, outOffset, count);
            case Activation.Xielu xielu -> {
                float[] activated = gate == null ? up : gate;
                for (int i = 0; i < count; i++) {
                    float y = xielu(xielu, activated[inOffset + i]);
                    out[outOffset + i] = gate == null ? y : y * up[inOffset + i];
                }
            }
        }
    }

    private static void clamped(
            Activation.ClampedSwiGlu clamp,
            float @Nullable [] gate,
            float[] up,
            int inOffset,
            float[] out,
            int outOffset,
            int count) {
        if (gate == null) {
            throw new IllegalArgumentException("a clamped SwiGLU needs a gate");
        }
        float limit = clamp.limit();
        for (int i = 0; i < count; i++) {
            float x = clamp.before() ? Math.min(gate[inOffset + i], limit) : gate[inOffset + i];
            float y = (float) (x / (1 + Math.exp(-x)));
            out[outOffset + i] = Math.min(y, limit) * Math.clamp(up[inOffset + i], -limit, limit);
        }
    }

    private static void situ(
            Activation.Situ c,
            float @Nullable [] gate,
            float[] up,
            int inOffset,
            float[] out,
            int outOffset,
            int count) {
        if (gate == null) {
            throw new IllegalArgumentException("SiTU needs a gate");
        }
        for (int i = 0; i < count; i++) {
            double x = gate[inOffset + i];
            double y = up[inOffset + i];
            double limited = c.linearBeta() > 0 ? c.linearBeta() * Math.tanh(y / c.linearBeta()) : y;
            out[outOffset + i] = (float) (c.beta() * Math.tanh(x / c.beta()) / (1 + Math.exp(-x)) * limited);
        }
    }

    /** xIELU of one value, in double. */
    static float xielu(Activation.Xielu c, double x) {
        return (float)
                (x > 0
                        ? c.positive() * x * x + c.beta() * x
                        : (Math.expm1(Math.min(x, c.epsilon())) - x) * c.negative() + c.beta() * x);
    }

    private static void apply(
            VectorOps ops,
            Activation.Plain activation,
            float @Nullable [] gate,
            float[] up,
            int inOffset,
            float[] out,
            int outOffset,
            int count) {
        float[] activated = gate == null ? up : gate;
        switch (activation) {
            case SILU -> {
                if (gate != null) {
                    ops.siluMultiply(gate, inOffset, up, inOffset, out, outOffset, count);
                    return;
                }
                for (int i = 0; i < count; i += ONES.length) {
                    ops.siluMultiply(up, inOffset + i, ONES, 0, out, outOffset + i, Math.min(ONES.length, count - i));
                }
            }
            case GELU_TANH -> {
                if (gate != null) {
                    ops.geluTanhMultiply(gate, inOffset, up, inOffset, out, outOffset, count);
                    return;
                }
                for (int i = 0; i < count; i += ONES.length) {
                    ops.geluTanhMultiply(
                            up, inOffset + i, ONES, 0, out, outOffset + i, Math.min(ONES.length, count - i));
                }
            }
            case GELU_ERF -> {
                for (int i = 0; i < count; i++) {
                    float x = activated[inOffset + i];
                    float y = (float) (0.5 * x * (1 + Erf.erf(x / Math.sqrt(2))));
                    out[outOffset + i] = gate == null ? y : y * up[inOffset + i];
                }
            }
            case RELU -> {
                for (int i = 0; i < count; i++) {
                    float x = Math.max(0, activated[inOffset + i]);
                    out[outOffset + i] = gate == null ? x : x * up[inOffset + i];
                }
            }
            case RELU_SQUARED -> {
                for (int i = 0; i < count; i++) {
                    float x = Math.max(0, activated[inOffset + i]);
                    out[outOffset + i] = gate == null ? x * x : x * x * up[inOffset + i];
                }
            }
            case SWIGLU_OAI -> {
                for (int i = 0; i < count; i++) {
                    float x = Math.min(activated[inOffset + i], OAI_LIMIT);
                    float y = Math.clamp(up[inOffset + i], -OAI_LIMIT, OAI_LIMIT);
                    out[outOffset + i] = (float) (x / (1 + Math.exp(-OAI_ALPHA * x))) * (y + 1);
                }
            }
        }
    }

    /** GELU in its tanh form (Hendrycks and Gimpel 2016, arXiv 1606.08415). */
    public static float geluTanh(float x) {
        double inner = Math.sqrt(2 / Math.PI) * x * (1 + 0.044715 * x * x);
        return (float) (0.5 * x * (1 + Math.tanh(inner)));
    }

    /** Keeps of a row what exceeds mean + {@code deviations} · standard deviation, less that; the rest becomes 0. */
    public static void sparsify(float[] values, int offset, int count, float deviations) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += values[offset + i];
        }
        double mean = sum / count;
        double squares = 0;
        for (int i = 0; i < count; i++) {
            double centered = values[offset + i] - mean;
            squares += centered * centered;
        }
        // the sample deviation, as Gemma 3n was trained with
        double cutoff = mean + deviations * Math.sqrt(squares / (count - 1));
        for (int i = 0; i < count; i++) {
            values[offset + i] = (float) Math.max(0, values[offset + i] - cutoff);
        }
    }
}
