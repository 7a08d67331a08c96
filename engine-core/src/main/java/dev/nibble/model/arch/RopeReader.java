package dev.nibble.model.arch;

import dev.nibble.model.RopeConfig;
import java.util.List;
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
        return reader.positiveFloat("rope.freq_base", 10000);
    }

    /** The rotation of a head, with {@code rope_freqs.weight} and the scaling of the file. */
    RopeConfig read(int headDim) {
        return read(reader.positive("rope.dimension_count", headDim), headDim, theta());
    }

    RopeConfig read(int dims, int headDim, float theta) {
        checkDims(dims, headDim);
        float[] factors = reader.optionalVector("rope_freqs.weight", dims / 2);
        if (factors == null) {
            factors = longRopeFactors(dims);
        }
        List.of("rope_factors_long.weight", "rope_factors_short.weight").forEach(reader::passOver);
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
        return reader.factor("rope.scaling.factor", reader.factor("rope.scale_linear", 1));
    }

    int originalContext() {
        return reader.positive("rope.scaling.original_context_length", reader.contextLength);
    }

    private RopeConfig.@Nullable Yarn yarn() {
        return switch (scalingType()) {
            case "yarn" ->
                new RopeConfig.Yarn(
                        originalContext(),
                        reader.positiveFloat("rope.scaling.yarn_beta_fast", 32),
                        reader.positiveFloat("rope.scaling.yarn_beta_slow", 1));
            case "none", "linear", "longrope" -> null;
            default ->
                throw reader.metadata.failure(
                        reader.key("rope.scaling.type"),
                        "expected none, linear, yarn or longrope, found '" + scalingType() + "'");
        };
    }

    /** {@code rope.scaling.attn_factor}. */
    float attentionFactor() {
        return reader.factor("rope.scaling.attn_factor", 1);
    }

    /**
     * YaRN makes the rotated vectors longer by 1 + 0.1 ln(factor); {@code yarn_log_multiplier} m divides that by
     * 1 + 0.1 m ln(factor).
     */
    private float magnitude(RopeConfig.@Nullable Yarn yarn, float factor) {
        float magnitude = attentionFactor();
        if (yarn != null && factor > 1) {
            double logMultiplier = reader.nonNegativeFloat("rope.scaling.yarn_log_multiplier", 0);
            double growth = 1 + 0.1 * Math.log(factor);
            magnitude *= (float) (growth / (1 + 0.1 * logMultiplier * Math.log(factor)));
        }
        return magnitude;
    }

    /** LongRoPE (Phi): one table of factors up to the original context, another above it. */
    private float @Nullable [] longRopeFactors(int dims) {
        if (!reader.hasTensor("rope_factors_long.weight")) {
            if (scalingType().equals("longrope")) {
                throw reader.metadata.failure(
                        reader.key("rope.scaling.type"),
                        "'longrope' needs the tensors rope_factors_long.weight and rope_factors_short.weight, which the"
                                + " file does not have");
            }
            return null;
        }
        boolean extended = reader.runContext() > originalContext();
        return reader.vector(extended ? "rope_factors_long.weight" : "rope_factors_short.weight", dims / 2);
    }

    /**
     * In models with vision, pairs follow the axes time, height and width section by section ({@code
     * rope.dimension_sections}), which are alike for text; a pair that is left over follows a fourth axis, which is 0 for
     * text: it is not rotated.
     *
     * @return [dims/2] divisors of the frequencies, or null for a model whose rotation has no axes
     */
    static float @Nullable [] axisFactors(ModelReader reader, int dims) {
        long[] sections = sections(reader, dims);
        if (sections == null || sections.length < 4 || sections[0] == 0 || sections[1] == 0) {
            return null;
        }
        long rotated = sections[0] + sections[1] + sections[2];
        float[] factors = new float[dims / 2];
        for (int pair = 0; pair < factors.length; pair++) {
            factors[pair] = pair % (rotated + sections[3]) < rotated ? 1 : Float.POSITIVE_INFINITY;
        }
        return factors;
    }

    /**
     * Likewise where the pairs take turns in following the axes, as long as an axis' section lasts.
     *
     * @return [dims/2] divisors of the frequencies, or null for a model whose rotation has no axes
     */
    static float @Nullable [] axisFactorsByTurns(ModelReader reader, int dims) {
        long[] sections = sections(reader, dims);
        if (sections == null || sections.length < 3) {
            return null;
        }
        float[] factors = new float[dims / 2];
        for (int pair = 0; pair < factors.length; pair++) {
            factors[pair] = pair / 3 < sections[pair % 3] ? 1 : Float.POSITIVE_INFINITY;
        }
        return factors;
    }

    /** {@code rope.dimension_sections}: how many pairs follow each axis. */
    static long @Nullable [] sections(ModelReader reader, int dims) {
        long[] sections = reader.metadata.optionalLongs(reader.key("rope.dimension_sections"));
        for (long section : sections == null ? new long[0] : sections) {
            if (section < 0 || section > dims) {
                throw reader.metadata.failure(
                        reader.key("rope.dimension_sections"),
                        "expected numbers from 0 to " + dims + ", found " + section);
            }
        }
        return sections;
    }

    private void checkDims(int dims, int headDim) {
        if (dims < 2 || dims % 2 != 0 || dims > headDim) {
            throw reader.metadata.failure(
                    reader.key("rope.dimension_count"),
                    "expected an even number from 2 to " + headDim + " (a head), found " + dims);
        }
    }
}
