package dev.nibble.model.arch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoublePredicate;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The keys that change what a model computes and that only some architectures have, each with the values that change
 * nothing. An architecture that does not follow such a key can run the model only where the value is one of those.
 */
final class SideKeys {
    static final String WINDOW = "attention.sliding_window";

    /** Relative difference of numbers that are meant to be the same, stored as f32. */
    private static final double ROUNDING = 1e-4;

    private static final DoublePredicate OFF = value -> value == 0;
    private static final DoublePredicate FACTOR = value -> value == 0 || value == 1;

    private record SideKey(String suffix, DoublePredicate neutral) {}

    private SideKeys() {}

    /** The keys, without the architecture, that are in the file with a value that changes something. */
    static List<String> notNeutral(ModelReader reader) {
        List<String> found = new ArrayList<>();
        for (SideKey key : keys(reader)) {
            double[] values = numbers(reader.metadata.get(reader.architecture + "." + key.suffix));
            if (values != null && !DoubleStream.of(values).allMatch(key.neutral)) {
                found.add(key.suffix);
            }
        }
        return found;
    }

    private static List<SideKey> keys(ModelReader reader) {
        return List.of(
                new SideKey("attention.scale", value -> value == 0 || isUsualScale(reader, value)),
                new SideKey("attention.clamp_kqv", OFF),
                new SideKey("attention.max_alibi_bias", OFF),
                new SideKey("attention.output_scale", FACTOR),
                new SideKey("attention.value_scale", FACTOR),
                new SideKey("attention.temperature_scale", OFF),
                new SideKey("attention.causal", value -> value == 1),
                new SideKey(WINDOW, value -> value == 0 || value >= reader.runContext()),
                new SideKey("attention.shared_kv_layers", OFF),
                new SideKey("attention.rope_pattern", value -> value == 1),
                new SideKey("attention.key_length_swa", sameAs(reader, "attention.key_length")),
                new SideKey("attention.value_length_swa", sameAs(reader, "attention.value_length")),
                new SideKey("attn_logit_softcapping", OFF),
                new SideKey("final_logit_softcapping", OFF),
                new SideKey("router_logit_softcapping", OFF),
                new SideKey("logit_scale", FACTOR),
                new SideKey("embedding_scale", FACTOR),
                new SideKey("residual_scale", FACTOR),
                new SideKey("rescale_every_n_layers", OFF),
                new SideKey("rope.dimension_sections", OFF),
                new SideKey("rope.dimension_count_swa", sameAs(reader, "rope.dimension_count")),
                new SideKey("rope.freq_base_swa", sameAs(reader, "rope.freq_base")),
                new SideKey("rope.scaling.alpha", FACTOR),
                new SideKey("rope.scaling.yarn_attn_factor", value -> value == 1 || isYarnGrowth(reader, value)),
                new SideKey("expert_group_scale", FACTOR),
                new SideKey("activation_sparsity_scale", OFF),
                new SideKey("swiglu_clamp_exp", OFF),
                new SideKey("swiglu_clamp_shexp", OFF),
                new SideKey("use_parallel_residual", OFF),
                new SideKey("num_loops", FACTOR));
    }

    private static DoublePredicate sameAs(ModelReader reader, String suffix) {
        double[] full = numbers(reader.metadata.get(reader.architecture + "." + suffix));
        return value -> full != null && DoubleStream.of(full).allMatch(other -> isNear(value, other));
    }

    /** Whether it is what scores are multiplied by where nothing is said. */
    private static boolean isUsualScale(ModelReader reader, double scale) {
        double[] lengths = numbers(reader.metadata.get(reader.architecture + ".attention.key_length"));
        double[] heads = numbers(reader.metadata.get(reader.architecture + ".attention.head_count"));
        double length = lengths != null && lengths.length > 0
                ? lengths[0]
                : heads != null && heads.length > 0 ? reader.hiddenSize / heads[0] : 0;
        return isNear(scale * Math.sqrt(length), 1);
    }

    /** Whether it is by how much YaRN makes the rotated vectors longer, which is computed. */
    private static boolean isYarnGrowth(ModelReader reader, double value) {
        double[] factor = numbers(reader.metadata.get(reader.architecture + ".rope.scaling.factor"));
        return factor != null && factor.length == 1 && isNear(value, 1 + 0.1 * Math.log(Math.max(1, factor[0])));
    }

    private static boolean isNear(double a, double b) {
        return Math.abs(a - b) <= ROUNDING * Math.abs(b);
    }

    /** A number, a flag (0 or 1) or an array of these; not a number for everything else, null for no value. */
    private static double @Nullable [] numbers(@Nullable Object value) {
        return switch (value) {
            case null -> null;
            case Long number -> new double[] {number};
            case Double number -> new double[] {number};
            case Boolean flag -> new double[] {flag ? 1 : 0};
            case long[] array -> Arrays.stream(array).asDoubleStream().toArray();
            case double[] array -> array;
            case float[] array ->
                IntStream.range(0, array.length).mapToDouble(i -> array[i]).toArray();
            case boolean[] array ->
                IntStream.range(0, array.length)
                        .mapToDouble(i -> array[i] ? 1 : 0)
                        .toArray();
            default -> new double[] {Double.NaN};
        };
    }

    /** A value as it stands in a message. */
    static String text(@Nullable Object value) {
        return switch (value) {
            case long[] array -> Arrays.toString(array);
            case double[] array -> Arrays.toString(array);
            case float[] array -> Arrays.toString(array);
            case boolean[] array -> Arrays.toString(array);
            case null, default -> String.valueOf(value);
        };
    }
}
