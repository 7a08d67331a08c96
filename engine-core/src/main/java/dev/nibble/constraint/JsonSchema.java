package dev.nibble.constraint;

import dev.nibble.json.JsonException;
import dev.nibble.json.JsonReader;
import java.util.Objects;

/** A JSON schema that finished values are checked against, in any spelling. Immutable and thread-safe. */
public final class JsonSchema {
    private final Object schema;

    private JsonSchema(Object schema) {
        this.schema = schema;
    }

    /**
     * The schema that a text stands for.
     *
     * @throws ConstraintException if it is not JSON
     */
    public static JsonSchema of(String schema) {
        return new JsonSchema(read(schema, "the schema"));
    }

    /**
     * Whether a text is JSON and its value satisfies the schema; formats count.
     *
     * @throws ConstraintException if the schema is not well-formed or has a keyword that cannot be enforced; the message names
     *     the keyword and its place
     */
    public boolean accepts(String json) {
        Object value;
        try {
            value = JsonReader.read(Objects.requireNonNull(json, "json"), "the text");
        } catch (JsonException e) {
            return false;
        }
        // A reader of its own: it remembers what it has worked out.
        SchemaReader reader = new SchemaReader(new Exprs(), schema);
        return reader.values().accepts(reader.root(), value);
    }

    /** The value of a text that has to be JSON. */
    static Object read(String text, String what) {
        try {
            return JsonReader.read(Objects.requireNonNull(text, what), what);
        } catch (JsonException e) {
            throw new ConstraintException(e.getMessage(), e);
        }
    }
}
