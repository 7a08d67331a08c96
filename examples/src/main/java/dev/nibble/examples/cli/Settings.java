package dev.nibble.examples.cli;

import dev.nibble.GenerationOptions;
import java.util.Locale;

/** The generation options that can be changed by name while a chat runs. */
final class Settings {
    /** Their names, as the flags of the same meaning. */
    static final String NAMES =
            "temp, top-k, top-p, min-p, seed, max-tokens, repeat-penalty, repeat-last-n, frequency-penalty, presence-penalty";

    private Settings() {}

    /**
     * {@code options} with one changed.
     *
     * @throws IllegalArgumentException if there is none of that name, or the value is none for it
     */
    static GenerationOptions with(GenerationOptions options, String name, String value) {
        return switch (name.toLowerCase(Locale.ROOT).replace('_', '-')) {
            case "temp", "temperature" -> options.withTemperature(parseFloat(name, value));
            case "top-k" -> options.withTopK((int) parseLong(name, value));
            case "top-p" -> options.withTopP(parseFloat(name, value));
            case "min-p" -> options.withMinP(parseFloat(name, value));
            case "seed" -> options.withSeed(parseLong(name, value));
            case "n", "max-tokens" -> options.withMaxTokens((int) parseLong(name, value));
            case "repeat-penalty" -> options.withRepeatPenalty(parseFloat(name, value));
            case "repeat-last-n" -> options.withRepeatLastN((int) parseLong(name, value));
            case "frequency-penalty" -> options.withFrequencyPenalty(parseFloat(name, value));
            case "presence-penalty" -> options.withPresencePenalty(parseFloat(name, value));
            default -> throw new IllegalArgumentException("no setting '" + name + "'; there are " + NAMES);
        };
    }

    /** All of them with their values, one line. */
    static String describe(GenerationOptions options) {
        return "temp " + options.temperature() + ", top-k " + options.topK() + ", top-p " + options.topP() + ", min-p "
                + options.minP() + ", seed "
                + (options.seed().isPresent() ? options.seed().getAsLong() : "random") + ", max-tokens "
                + (options.maxTokens() == Integer.MAX_VALUE ? "unlimited" : options.maxTokens()) + ", repeat-penalty "
                + options.repeatPenalty() + ", repeat-last-n " + options.repeatLastN() + ", frequency-penalty "
                + options.frequencyPenalty() + ", presence-penalty " + options.presencePenalty();
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

    private static long parseLong(String name, String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + " must be a whole number, not '" + text + "'", e);
        }
    }
}
