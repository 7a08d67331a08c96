package dev.nibble.cli;

import dev.nibble.GenerationOptions;
import java.util.Locale;

/** The generation options that can be changed by name while a chat runs. */
final class Settings {
    /** Their names, as the flags of the same meaning. */
    static final String NAMES =
            "temp, top-k, top-p, min-p, typical-p, xtc-probability, xtc-threshold, seed, max-tokens, repeat-penalty,"
                    + " repeat-last-n, frequency-penalty, presence-penalty";

    private static final String RANDOM = "random";
    private static final String UNLIMITED = "unlimited";

    private Settings() {}

    /**
     * {@code options} with one changed.
     *
     * @throws IllegalArgumentException if there is none of that name, or the value is none for it
     */
    static GenerationOptions with(GenerationOptions options, String name, String value) {
        return switch (name.toLowerCase(Locale.ROOT).replace('_', '-')) {
            case "temp", "temperature" -> options.withTemperature(parseFloat(name, value));
            case "top-k" -> options.withTopK(parseInt(name, value));
            case "top-p" -> options.withTopP(parseFloat(name, value));
            case "min-p" -> options.withMinP(parseFloat(name, value));
            case "typical-p" -> options.withTypicalP(parseFloat(name, value));
            case "xtc-probability" -> options.withXtcProbability(parseFloat(name, value));
            case "xtc-threshold" -> options.withXtcThreshold(parseFloat(name, value));
            case "seed" ->
                value.equalsIgnoreCase(RANDOM) ? options.withRandomSeed() : options.withSeed(parseLong(name, value));
            case "n", "max-tokens" -> options.withMaxTokens(maxTokens(name, value));
            case "repeat-penalty" -> options.withRepeatPenalty(parseFloat(name, value));
            case "repeat-last-n" -> options.withRepeatLastN(parseInt(name, value));
            case "frequency-penalty" -> options.withFrequencyPenalty(parseFloat(name, value));
            case "presence-penalty" -> options.withPresencePenalty(parseFloat(name, value));
            default -> throw new IllegalArgumentException("no setting '" + name + "'; there are " + NAMES);
        };
    }

    /** All of them with their values, one line. */
    static String describe(GenerationOptions options) {
        return "temp " + options.temperature() + ", top-k " + options.topK() + ", top-p " + options.topP() + ", min-p "
                + options.minP() + ", typical-p " + options.typicalP() + ", xtc-probability "
                + options.xtcProbability() + ", xtc-threshold " + options.xtcThreshold() + ", seed "
                + (options.seed().isPresent() ? options.seed().getAsLong() : RANDOM) + ", max-tokens "
                + maxTokens(options) + ", repeat-penalty "
                + options.repeatPenalty() + ", repeat-last-n " + options.repeatLastN() + ", frequency-penalty "
                + options.frequencyPenalty() + ", presence-penalty " + options.presencePenalty();
    }

    private static String maxTokens(GenerationOptions options) {
        int most = options.maxTokens().orElse(Integer.MAX_VALUE);
        return most == Integer.MAX_VALUE ? UNLIMITED : Integer.toString(most);
    }

    /**
     * How many tokens to generate at most: a number, or {@code -1} or {@code unlimited} until the model ends or the context
     * is full.
     *
     * @throws IllegalArgumentException if it is neither
     */
    static int maxTokens(String name, String value) {
        if (value.equalsIgnoreCase(UNLIMITED)) {
            return Integer.MAX_VALUE;
        }
        int count = parseInt(name, value);
        if (count < -1) {
            throw new IllegalArgumentException(
                    name + " must be 0 or more, or -1 for as many as the context holds, not " + value);
        }
        return count < 0 ? Integer.MAX_VALUE : count;
    }

    /** A number, also {@code -inf}. */
    static float parseFloat(String name, String text) {
        if (text.equalsIgnoreCase("-inf")) {
            return Float.NEGATIVE_INFINITY;
        }
        try {
            return Float.parseFloat(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " must be a number, not '" + text + "'", e);
        }
    }

    private static int parseInt(String name, String text) {
        long value = parseLong(name, text);
        if (value != (int) value) {
            throw new IllegalArgumentException(
                    name + " must be between " + Integer.MIN_VALUE + " and " + Integer.MAX_VALUE + ", not " + text);
        }
        return (int) value;
    }

    private static long parseLong(String name, String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " must be a whole number, not '" + text + "'", e);
        }
    }
}
