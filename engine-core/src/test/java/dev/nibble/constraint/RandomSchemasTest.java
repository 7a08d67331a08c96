package dev.nibble.constraint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.json.JsonException;
import dev.nibble.json.JsonReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Schemas made at random: what they allow satisfies them, and texts changed at random are refused unless they do, by another
 * validator that shares nothing with the compiler. {@code -Dnibble.schemas=1000} for 10,000 texts.
 */
class RandomSchemasTest {
    private static final int SCHEMAS = Integer.getInteger("nibble.schemas", 300);
    private static final int WALKS = 20;
    private static final int MAX_TOKENS = 120;

    @Test
    void whatIsAllowedIsValidAndWhatIsNotIsRefused() {
        Random random = new Random(20);
        RandomSchema schemas = new RandomSchema(random);
        List<String> wrong = new ArrayList<>();
        int compiled = 0;
        int unsatisfiable = 0;
        int walks = 0;
        int invalid = 0;
        for (int i = 0; i < SCHEMAS; i++) {
            String schema = schemas.next();
            Object read = JsonReader.read(schema, "the schema");
            PlainValidator validator = new PlainValidator(read);
            Constraint constraint;
            try {
                constraint = Constraint.jsonSchema(schema);
                compiled++;
            } catch (ConstraintException e) {
                String message = String.valueOf(e.getMessage());
                assertThat(message).as(schema).matches("(?s).*(unsatisfiable|keyword ).*");
                unsatisfiable += message.contains("unsatisfiable") ? 1 : 0;
                continue;
            }
            for (int walk = 0; walk < WALKS; walk++) {
                String text = RandomWalk.text(constraint, random, MAX_TOKENS);
                if (text == null) {
                    continue;
                }
                walks++;
                Boolean valid = isValid(validator, read, text);
                if (Boolean.FALSE.equals(valid)) {
                    wrong.add(schema + " allows " + text);
                }
                String changed = RandomWalk.changed(text, random);
                if (Boolean.FALSE.equals(isValid(validator, read, changed))) {
                    invalid++;
                    if (Feeding.feed(constraint, changed, 2) < 0) {
                        wrong.add(schema + " allows after a change " + changed);
                    }
                }
            }
        }
        System.out.println(compiled + " of " + SCHEMAS + " schemas compiled, " + unsatisfiable + " unsatisfiable; "
                + walks + " texts, " + invalid + " invalid ones");
        assertThat(wrong).isEmpty();
        assertThat(compiled).isGreaterThan(SCHEMAS / 2);
        assertThat(walks).isGreaterThan(SCHEMAS * WALKS / 3);
        assertThat(invalid).isGreaterThan(walks / 3);
    }

    /** Null for a name twice in one object: undeclared ones are not remembered while a text is written. */
    private static @Nullable Boolean isValid(PlainValidator validator, Object schema, String text) {
        try {
            return validator.accepts(schema, JsonReader.read(text, "the text"));
        } catch (JsonException e) {
            return String.valueOf(e.getMessage()).contains("twice") ? null : Boolean.FALSE;
        }
    }
}
