package dev.nibble.server.openai;

import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.work.Prompt;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads prompts: a text, token ids, or an array of such. */
public final class Prompts {
    private Prompts() {}

    /** The prompts of a field, one at least. */
    public static List<Prompt> read(Fields fields, String name) {
        Object value = fields.value(name);
        if (value == null) {
            throw RequestException.invalid(fields.path(name), "'" + fields.path(name) + "' is missing");
        }
        if (isSeveral(value)) {
            List<?> list = (List<?>) value;
            List<Prompt> prompts = new ArrayList<>();
            for (Object item : list) {
                prompts.add(one(item, fields.path(name)));
            }
            return prompts;
        }
        return List.of(one(value, fields.path(name)));
    }

    /** Whether a field has several prompts: numbers among its items make it one of texts and token ids. */
    public static boolean isSeveral(@Nullable Object value) {
        return value instanceof List<?> list
                && !list.isEmpty()
                && list.stream().noneMatch(BigDecimal.class::isInstance);
    }

    private static Prompt one(Object value, String path) {
        if (value instanceof String text) {
            return new Prompt.Text(text);
        }
        if (value instanceof Map<?, ?>) {
            return object(Fields.of(value, path));
        }
        if (value instanceof List<?> ids && !ids.isEmpty()) {
            return ids.stream().anyMatch(String.class::isInstance)
                    ? mixed(ids, path)
                    : new Prompt.Tokens(ids(ids, path));
        }
        throw Fields.expected(path, "a text or an array of token ids", value);
    }

    private static Prompt mixed(List<?> values, String path) {
        List<Object> parts = new ArrayList<>(values.size());
        for (Object value : values) {
            parts.add(
                    value instanceof String ? value : ids(List.of(value), path).getFirst());
        }
        return new Prompt.Mixed(parts);
    }

    /** An object with a text in it, or with parts that are one. */
    private static Prompt object(Fields prompt) {
        prompt.refuse("image input is not supported", "multimodal_data");
        if (!prompt.has("content")) {
            return new Prompt.Text(prompt.requireString("prompt_string"));
        }
        prompt.objects("content"); // parts, and no text as in messages
        return new Prompt.Text(String.valueOf(Messages.text(prompt, "content", "")));
    }

    /** Token ids. */
    public static List<Integer> ids(List<?> values, String path) {
        List<Integer> ids = new ArrayList<>(values.size());
        for (Object value : values) {
            try {
                if (value instanceof BigDecimal number && number.signum() >= 0) {
                    ids.add(number.intValueExact());
                    continue;
                }
            } catch (ArithmeticException e) {
                throw Fields.expected(path, "token ids", value);
            }
            throw Fields.expected(path, "token ids", Json.orNull(value));
        }
        return ids;
    }
}
