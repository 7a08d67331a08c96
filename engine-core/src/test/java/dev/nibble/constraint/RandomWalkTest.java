package dev.nibble.constraint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ConformanceData;
import dev.nibble.json.JsonException;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Texts made at random of what a schema allows satisfy it, and texts that were changed at random are refused unless they do.
 * {@code -Dnibble.walks=10000} for more of them.
 */
class RandomWalkTest {
    private static final int WALKS = Integer.getInteger("nibble.walks", 20);
    private static final int MAX_TOKENS = 400;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"maxLength\":5},\"b\":{\"type\":"
                        + "\"array\",\"items\":{\"type\":\"integer\",\"minimum\":-3,\"maximum\":250},\"maxItems\":3}},"
                        + "\"required\":[\"b\"],\"additionalProperties\":false}",
                "{\"anyOf\":[{\"type\":\"number\",\"exclusiveMinimum\":0.5,\"maximum\":12},{\"enum\":[\"x\",null,[1]]},"
                        + "{\"type\":\"string\",\"pattern\":\"^[a-f]+\\\\d?$\"}]}",
                "{\"$ref\":\"#/$defs/node\",\"$defs\":{\"node\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":"
                        + "\"boolean\"},\"next\":{\"anyOf\":[{\"$ref\":\"#/$defs/node\"},{\"type\":\"null\"}]}},"
                        + "\"required\":[\"v\",\"next\"],\"additionalProperties\":false}}}",
                "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\",\"format\":\"date\"},"
                        + "\"minProperties\":1,\"maxProperties\":2}",
                "{\"type\":\"array\",\"prefixItems\":[{\"const\":\"k\"},{\"type\":\"integer\",\"multipleOf\":7}],"
                        + "\"items\":false,\"minItems\":2}"
            })
    void whatIsAllowedSatisfiesTheSchema(String schema) {
        List<String> wrong = new ArrayList<>();
        int texts = walk("", schema, Constraint.jsonSchema(schema), wrong);
        assertThat(wrong).isEmpty();
        assertThat(texts).isPositive();
    }

    @Test
    void soItIsForTheSchemasOfTheConformanceData() throws IOException {
        List<String> wrong = new ArrayList<>();
        int texts = 0;
        for (String line : Files.readAllLines(ConformanceData.require("structured/json-schema.jsonl"))) {
            Map<?, ?> test = (Map<?, ?>) JsonReader.read(line, "the case");
            String schema = JsonValues.write(Objects.requireNonNull(test.get("schema")));
            Constraint constraint;
            try {
                constraint = Constraint.jsonSchema(schema);
            } catch (ConstraintException e) {
                continue; // which may be refused is tested elsewhere
            }
            texts += walk(test.get("id") + ": ", schema, constraint, wrong);
        }
        assertThat(wrong).isEmpty();
        assertThat(texts).isGreaterThan(WALKS * 100);
    }

    private static int walk(String name, String schema, Constraint constraint, List<String> wrong) {
        JsonSchema oracle = JsonSchema.of(schema);
        Random random = new Random(schema.hashCode());
        int texts = 0;
        for (int i = 0; i < WALKS; i++) {
            String text = RandomWalk.text(constraint, random, MAX_TOKENS);
            if (text == null) {
                continue;
            }
            texts++;
            if (!oracle.accepts(text) && !hasNameTwice(text)) {
                wrong.add(name + "allows " + text);
            }
            String changed = RandomWalk.changed(text, random);
            if (!oracle.accepts(changed) && !hasNameTwice(changed) && Feeding.feed(constraint, changed, 2) < 0) {
                wrong.add(name + "allows after a change " + changed);
            }
        }
        return texts;
    }

    /** Names that a schema does not declare are not remembered while a text is written, so that one may come again. */
    private static boolean hasNameTwice(String text) {
        try {
            JsonReader.read(text, "the text");
            return false;
        } catch (JsonException e) {
            return String.valueOf(e.getMessage()).contains("twice");
        }
    }
}
