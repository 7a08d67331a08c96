package dev.nibble.server.work;

import dev.nibble.GenerationOptions;
import dev.nibble.Priority;
import dev.nibble.constraint.Constraint;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.DoubleFunction;
import java.util.function.Function;
import java.util.function.IntFunction;

/** Reads how tokens are chosen by the names that the dialects share, those of OpenAI and of llama.cpp. */
public final class Sampling {
    /** Samplers of llama.cpp that are not there; their neutral values ask for nothing. */
    private static final String[] MISSING = {
        "mirostat", "dry_multiplier", "dynatemp_range", "adaptive_target", "lora", "grammar_lazy", "grammar_triggers"
    };

    /** What bans a token in OpenAI's words. */
    private static final double BAN = -100;

    private final Fields fields;
    private GenerationOptions options = GenerationOptions.DEFAULT;

    private Sampling(Fields fields) {
        this.fields = fields;
    }

    /**
     * Reads the options that are set.
     *
     * @throws RequestException if one is out of range, or not supported
     */
    public static GenerationOptions read(Fields fields) {
        return new Sampling(fields).read();
    }

    private GenerationOptions read() {
        fields.refuse("there is no such sampler here", MISSING);
        OptionalDouble sigma = fields.number("top_n_sigma");
        if (sigma.isPresent() && sigma.getAsDouble() > 0) {
            throw RequestException.unsupported(fields.path("top_n_sigma"), "there is no such sampler here");
        }
        number("temperature", value -> options.withTemperature((float) Math.max(0, value)));
        number("top_p", value -> options.withTopP((float) value));
        integer("top_k", value -> options.withTopK(Math.max(0, value)));
        number("min_p", value -> options.withMinP((float) value));
        number("typical_p", value -> options.withTypicalP((float) value));
        number("xtc_probability", value -> options.withXtcProbability((float) value));
        number("xtc_threshold", value -> options.withXtcThreshold((float) value));
        number("repeat_penalty", value -> options.withRepeatPenalty((float) value));
        integer("repeat_last_n", value -> options.withRepeatLastN(Math.max(-1, value)));
        number("frequency_penalty", value -> options.withFrequencyPenalty((float) value));
        number("presence_penalty", value -> options.withPresencePenalty((float) value));
        OptionalLong seed = fields.longInteger("seed");
        if (seed.isPresent()) {
            options = seed.getAsLong() == -1 ? options.withRandomSeed() : options.withSeed(seed.getAsLong());
        }
        List<String> stop =
                fields.strings("stop").stream().filter(text -> !text.isEmpty()).toList();
        if (!stop.isEmpty()) {
            options = options.withStop(stop);
        }
        if (fields.bool("ignore_eos", false)) {
            options = options.withIgnoreEndOfGeneration(true);
        }
        constraint();
        return options;
    }

    /** How urgent a request is in vLLM's words: the lower the number the earlier, 0 as others. */
    public static Priority priority(Fields fields) {
        int value = Integer.signum(fields.integer("priority").orElse(0));
        return value < 0 ? Priority.HIGH : value > 0 ? Priority.LOW : Priority.NORMAL;
    }

    /** The most tokens by the first of these names that is there; a negative number is no limit. */
    public static GenerationOptions limit(GenerationOptions options, Fields fields, String... names) {
        for (String name : names) {
            OptionalInt limit = fields.integer(name);
            if (limit.isPresent()) {
                return limit.getAsInt() < 0 ? options : options.withMaxTokens(limit.getAsInt());
            }
        }
        return options;
    }

    /** Reads {@code logit_bias} with tokens as ids alone. */
    public static GenerationOptions bias(GenerationOptions options, Fields fields) {
        return bias(options, fields, text -> {
            throw RequestException.invalid(
                    "logit_bias", "'logit_bias' has to name tokens by their ids, not '" + text + "'");
        });
    }

    /**
     * Reads {@code logit_bias}: an object of tokens to biases, or an array of pairs; a bias of false bans.
     *
     * @param tokens the ids of tokens that are written as text, for dialects that have such
     */
    public static GenerationOptions bias(GenerationOptions options, Fields fields, Function<String, int[]> tokens) {
        Object value = fields.value("logit_bias");
        if (value == null) {
            return options;
        }
        Map<Integer, Float> biases = new LinkedHashMap<>(options.logitBias());
        if (value instanceof Map<?, ?> map) {
            map.forEach((key, bias) -> put(biases, ids(key, tokens, fields), amount(bias, fields)));
        } else if (value instanceof List<?> pairs) {
            for (Object pair : pairs) {
                if (!(pair instanceof List<?> two) || two.size() != 2) {
                    throw Fields.expected(fields.path("logit_bias"), "pairs of a token and a bias", pair);
                }
                put(biases, ids(two.get(0), tokens, fields), amount(two.get(1), fields));
            }
        } else {
            throw Fields.expected(fields.path("logit_bias"), "an object", value);
        }
        return options.withLogitBias(biases);
    }

    private static void put(Map<Integer, Float> biases, int[] ids, float bias) {
        for (int id : ids) {
            biases.put(id, bias);
        }
    }

    private static int[] ids(Object key, Function<String, int[]> tokens, Fields fields) {
        try {
            if (key instanceof BigDecimal number && number.signum() >= 0) {
                return new int[] {number.intValueExact()};
            }
            String text = String.valueOf(key);
            return text.matches("\\d{1,9}") ? new int[] {Integer.parseInt(text)} : tokens.apply(text);
        } catch (ArithmeticException e) {
            throw Fields.expected(fields.path("logit_bias"), "token ids with their biases", key);
        }
    }

    private static float amount(Object bias, Fields fields) {
        if (Boolean.FALSE.equals(bias)) {
            return Float.NEGATIVE_INFINITY;
        }
        if (bias instanceof BigDecimal number) {
            if (number.doubleValue() > Float.MAX_VALUE) {
                throw Fields.expected(fields.path("logit_bias"), "biases that are not so large", bias);
            }
            return number.doubleValue() <= BAN ? Float.NEGATIVE_INFINITY : number.floatValue();
        }
        throw Fields.expected(fields.path("logit_bias"), "numbers", bias);
    }

    private void constraint() {
        List<String> asked = new ArrayList<>();
        for (String name : List.of("grammar", "json_schema", "regex", "choices")) {
            Object value = fields.value(name);
            if (value != null && !"".equals(value)) {
                asked.add(name);
            }
        }
        if (asked.size() > 1) {
            throw RequestException.invalid(
                    asked.get(1), "give one of " + String.join(" and ", asked) + ", not several");
        }
        if (!asked.isEmpty()) {
            options = options.withConstraint(constraint(asked.getFirst()));
        }
    }

    private Constraint constraint(String name) {
        return switch (name) {
            case "grammar" -> Constraints.grammar(fields.requireString(name));
            case "json_schema" -> schema(fields, name);
            case "regex" -> Constraints.regex(fields.requireString(name));
            default -> {
                List<String> choices = fields.strings(name);
                if (choices.isEmpty()) {
                    throw RequestException.invalid(fields.path(name), "'" + name + "' must not be empty");
                }
                yield Constraints.choices(choices);
            }
        };
    }

    /** The constraint of a JSON schema that is a member of a request. */
    public static Constraint schema(Fields fields, String name) {
        Object schema = fields.value(name);
        if (!(schema instanceof Map<?, ?>) && !(schema instanceof Boolean)) {
            throw Fields.expected(fields.path(name), "a JSON schema", Json.orNull(schema));
        }
        return Constraints.jsonSchema(Json.write(schema));
    }

    private void number(String name, DoubleFunction<GenerationOptions> option) {
        OptionalDouble value = fields.number(name);
        if (value.isPresent()) {
            options = named(name, () -> option.apply(value.getAsDouble()));
        }
    }

    private void integer(String name, IntFunction<GenerationOptions> option) {
        OptionalInt value = fields.integer(name);
        if (value.isPresent()) {
            options = named(name, () -> option.apply(value.getAsInt()));
        }
    }

    private GenerationOptions named(String name, java.util.function.Supplier<GenerationOptions> option) {
        try {
            return option.get();
        } catch (IllegalArgumentException e) {
            throw RequestException.invalid(fields.path(name), "'" + fields.path(name) + "': " + e.getMessage());
        }
    }
}
