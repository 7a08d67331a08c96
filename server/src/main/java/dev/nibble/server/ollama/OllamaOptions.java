package dev.nibble.server.ollama;

import dev.nibble.GenerationOptions;
import dev.nibble.constraint.Constraint;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.work.Constraints;
import dev.nibble.server.work.Sampling;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads how tokens are chosen, and how long a model stays, as Ollama's clients say it. */
final class OllamaOptions {
    private static final Pattern DURATION = Pattern.compile("(\\d+(?:\\.\\d+)?)(ns|us|µs|ms|s|m|h)");

    private static final int MOST_TOP = 20;

    private OllamaOptions() {}

    /** How tokens are chosen. */
    static GenerationOptions generation(Fields request) {
        Fields options = options(request);
        OptionalDouble tailFree = options.number("tfs_z");
        if (tailFree.isPresent() && tailFree.getAsDouble() != 1 && tailFree.getAsDouble() != 0) {
            throw RequestException.unsupported("options.tfs_z", "there is no such sampler here");
        }
        GenerationOptions generation = Sampling.limit(Sampling.read(options), options, "num_predict");
        Constraint format = format(request);
        if (format != null) {
            generation = generation.withConstraint(format);
        }
        OptionalInt top = request.integer("top_logprobs");
        if (top.isPresent() && (top.getAsInt() < 0 || top.getAsInt() > MOST_TOP)) {
            throw RequestException.invalid(
                    "top_logprobs", "'top_logprobs' has to be from 0 to " + MOST_TOP + ", not " + top.getAsInt());
        }
        return generation.withTopLogProbabilities(top.orElse(0));
    }

    private static Fields options(Fields request) {
        Fields options = request.object("options");
        return options == null ? Fields.NONE : options;
    }

    /** The context that is asked for. */
    static OptionalInt context(Fields request) {
        return options(request).integer("num_ctx");
    }

    private static @Nullable Constraint format(Fields request) {
        Object format = request.value("format");
        if (format == null || "".equals(format)) {
            return null;
        }
        if (format instanceof String word) {
            if (word.equals("json")) {
                return Constraints.jsonObject();
            }
            throw RequestException.invalid(
                    "format", "invalid format: \"" + word + "\"; expected \"json\" or a JSON schema");
        }
        return Sampling.schema(request, "format");
    }

    /** How long the model stays loaded: null for what the server does, negative for ever. */
    static @Nullable Duration keepAlive(Fields request) {
        Object value = request.value("keep_alive");
        if (value == null || "".equals(value)) {
            return null;
        }
        if (value instanceof BigDecimal seconds) {
            return duration(seconds.doubleValue());
        }
        if (value instanceof String text) {
            if (text.matches("[+-]?\\d+")) {
                return duration(Double.parseDouble(text));
            }
            String amount = text.replaceFirst("^[+-]", "");
            Matcher matcher = DURATION.matcher(amount);
            double seconds = 0;
            int end = 0;
            while (matcher.find() && matcher.start() == end) {
                seconds += Double.parseDouble(matcher.group(1)) * unit(matcher.group(2));
                end = matcher.end();
            }
            if (end == amount.length()) {
                return duration(text.startsWith("-") ? -1 : seconds);
            }
        }
        throw Fields.expected("keep_alive", "a duration as \"5m\", or seconds", value);
    }

    private static Duration duration(double seconds) {
        return seconds < 0
                ? Duration.ofSeconds(-1)
                : Duration.ofMillis((long) Math.min(seconds * 1000, Integer.MAX_VALUE * 1000.0));
    }

    private static double unit(String name) {
        return switch (name) {
            case "ns" -> 1e-9;
            case "us", "µs" -> 1e-6;
            case "ms" -> 1e-3;
            case "s" -> 1;
            case "m" -> 60;
            default -> 3600;
        };
    }
}
