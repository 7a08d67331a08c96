package dev.nibble.generate;

import dev.nibble.GenerationOptions;
import dev.nibble.model.Metadata;
import java.util.List;

/** The sampling options a model file recommends under {@code general.sampling.*}, and those of conversations. */
public final class SamplingDefaults {
    /** A model with fewer weights rambles when answers are drawn as freely as those of large ones. */
    private static final long FEW_WEIGHTS = 1_000_000_000;

    /** Tried with SmolLM2-135M on questions and poems: with these 14 of 16 answers came to an end, 10 with the usual options, and 5
     * at a temperature of 0.2 without a penalty, where it goes round in circles. */
    private static final GenerationOptions CAREFUL = GenerationOptions.DEFAULT
            .withTemperature(0.5f)
            .withTopP(0.9f)
            .withFrequencyPenalty(0.2f)
            .withRepeatLastN(256);

    private static final String PREFIX = "general.sampling.";
    private static final List<String> NOT_SUPPORTED = List.of("sequence", "mirostat");
    private static final System.Logger LOG = System.getLogger("dev.nibble");

    private SamplingDefaults() {}

    /**
     * The options the file sets.
     *
     * @throws dev.nibble.ModelFormatException if one has a wrong type or is out of range
     */
    public static GenerationOptions read(Metadata metadata) {
        for (String name : NOT_SUPPORTED) {
            if (metadata.contains(PREFIX + name)) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "{0}{1} of the model file is not supported and has no effect",
                        PREFIX,
                        name);
            }
        }
        GenerationOptions options = GenerationOptions.DEFAULT;
        options = apply(metadata, "temp", options, Metadata::requireFloat, GenerationOptions::withTemperature);
        options = apply(metadata, "top_k", options, Metadata::requireInt, GenerationOptions::withTopK);
        options = apply(metadata, "top_p", options, Metadata::requireFloat, GenerationOptions::withTopP);
        options = apply(metadata, "min_p", options, Metadata::requireFloat, GenerationOptions::withMinP);
        options = apply(
                metadata, "xtc_probability", options, Metadata::requireFloat, GenerationOptions::withXtcProbability);
        options =
                apply(metadata, "xtc_threshold", options, Metadata::requireFloat, GenerationOptions::withXtcThreshold);
        options = apply(metadata, "penalty_last_n", options, Metadata::requireInt, GenerationOptions::withRepeatLastN);
        return apply(metadata, "penalty_repeat", options, Metadata::requireFloat, GenerationOptions::withRepeatPenalty);
    }

    /**
     * The options of a conversation where nobody asks for a temperature.
     *
     * @param file those the file sets
     * @param weights how many the model has
     */
    public static GenerationOptions ofChat(GenerationOptions file, long weights) {
        return weights < FEW_WEIGHTS && !file.setsTemperature() ? file.orElse(CAREFUL) : file;
    }

    private interface Reader<T> {
        T read(Metadata metadata, String key);
    }

    private interface Setter<T> {
        GenerationOptions set(GenerationOptions options, T value);
    }

    private static <T> GenerationOptions apply(
            Metadata metadata, String name, GenerationOptions options, Reader<T> reader, Setter<T> setter) {
        String key = PREFIX + name;
        if (!metadata.contains(key)) {
            return options;
        }
        T value = reader.read(metadata, key);
        try {
            return setter.set(options, value);
        } catch (IllegalArgumentException e) {
            throw metadata.failure(key, String.valueOf(e.getMessage()));
        }
    }
}
