package dev.nibble.model.arch;

import dev.nibble.model.RopeConfig;
import org.jspecify.annotations.Nullable;

/** Reads the rotary embedding: base, dimensions, and the scaling that extends the context. */
final class RopeReader {
    private final ModelReader reader;
    private final RopeConfig.Style style;

    RopeReader(ModelReader reader, RopeConfig.Style style) {
        this.reader = reader;
        this.style = style;
    }

    float theta() {
        return reader.optionalFloat("rope.freq_base", 10000);
    }

    /** The rotation of a head, with {@code rope_freqs.weight} and the scaling of the file. */
    RopeConfig read(int headDim) {
        return read(reader.optionalInt("rope.dimension_count", headDim), headDim, theta());
    }

    RopeConfig read(int dims, int headDim, float theta) {
        checkDims(dims, headDim);
        float[] factors = reader.optionalVector("rope_freqs.weight", dims / 2);
        if (factors == null) {
            factors = longRopeFactors(dims);
        }
        float factor = scalingFactor();
        RopeConfig.Yarn yarn = yarn();
        return new RopeConfig(style, dims, theta, factors, factor, yarn, magnitude(yarn, factor));
    }

    /** The rotation without factors or scaling, as windowed layers have it in some models. */
    RopeConfig unscaled(int dims, int headDim, float theta) {
        checkDims(dims, headDim);
        return new RopeConfig(style, dims, theta, null, 1, null, attentionFactor());
    }

    /** {@code rope.scaling.type}: none, linear, yarn or longrope. */
    private String scalingType() {
        String type = reader.metadata.optionalString(reader.key("rope.scaling.type"));
        return type == null ? "linear" : type;
    }

    /** How often the original context fits into the extended one; 1 for none. */
    private float scalingFactor() {
        if (scalingType().equals("none")) {
            return 1;
        }
        float factor = reader.optionalFloat("rope.scaling.factor", reader.optionalFloat("rope.scale_linear", 0));
        if (!(factor >= 0) || Float.isInfinite(factor)) {
            throw reader.metadata.failure(
                    reader.key("rope.scaling.factor"), "expected a positive number, found " + factor);
        }
        return factor == 0 ? 1 : factor;
    }

    int originalContext() {
        return reader.positive("rope.scaling.original_context_length", reader.contextLength);
    }

    private RopeConfig.@Nullable Yarn yarn() {
        return switch (scalingType()) {
            case "yarn" ->
                new RopeConfig.Yarn(
                        originalContext(),
                        reader.optionalFloat("rope.scaling.yarn_beta_fast", 32),
                        reader.optionalFloat("rope.scaling.yarn_beta_slow", 1));
            case "none", "linear", "longrope" -> null;
            default ->
                throw reader.metadata.failure(
                        reader.key("rope.scaling.type"),
                        "expected none, linear, yarn or longrope, found '" + scalingType() + "'");
        };
    }

    /** {@code rope.scaling.attn_factor}. */
    float attentionFactor() {
        return reader.optionalFloat("rope.scaling.attn_factor", 1);
    }

    /**
     * YaRN makes the rotated vectors longer by 1 + 0.1 ln(factor); {@code yarn_log_multiplier} m divides that by
     * 1 + 0.1 m ln(factor).
     */
    private float magnitude(RopeConfig.@Nullable Yarn yarn, float factor) {
        float magnitude = attentionFactor();
        if (yarn != null && factor > 1) {
            double logMultiplier = reader.optionalFloat("rope.scaling.yarn_log_multiplier", 0);
            double growth = 1 + 0.1 * Math.log(factor);
            magnitude *= (float) (growth / (1 + 0.1 * logMultiplier * Math.log(factor)));
        }
        return magnitude;
    }

    /** LongRoPE (Phi): one table of factors up to the original context, another above it. */
    private float @Nullable [] longRopeFactors(int dims) {
        if (!reader.hasTensor("rope_factors_long.weight")) {
            return null;
        }
        boolean extended = reader.runContext() > originalContext();
        return reader.vector(extended ? "rope_factors_long.weight" : "rope_factors_short.weight", dims / 2);
    }

    private void checkDims(int dims, int headDim) {
        if (dims < 2 || dims % 2 != 0 || dims > headDim) {
            throw reader.metadata.failure(
                    reader.key("rope.dimension_count"),
                    "expected an even number from 2 to " + headDim + " (a head), found " + dims);
        }
    }
}
