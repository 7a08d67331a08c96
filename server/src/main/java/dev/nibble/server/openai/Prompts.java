package dev.nibble.server.openai;

import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.work.Prompt;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/** Reads prompts: a text, token ids, or an array of such. */
public final class Prompts {
    private Prompts() {}

    /** The prompts of a field, one at least. */
    public static List<Prompt> read(Fields fields, String name) {
        Object value = fields.value(name);
        if (value == null) {
            throw RequestException.invalid(fields.path(name), "'" + fields.path(name) + "' is missing");
        }
        if (value instanceof List<?> list && !(list.isEmpty() || list.getFirst() instanceof BigDecimal)) {
            List<Prompt> prompts = new ArrayList<>();
            for (Object item : list) {
                prompts.add(one(item, fields.path(name)));
            }
            return prompts;
        }
        return List.of(one(value, fields.path(name)));
    }

    private static Prompt one(Object value, String path) {
        if (value instanceof String text) {
            return new Prompt.Text(text);
        }
        if (value instanceof List<?> ids && !ids.isEmpty()) {
            return new Prompt.Tokens(ids(ids, path));
        }
        throw Fields.expected(path, "a text or an array of token ids", value);
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
