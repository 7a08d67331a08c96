package dev.nibble.constraint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which texts schemas, grammars and regular expressions accept, however the texts are cut into tokens. */
class ConstraintCasesTest {
    /** Byte by byte, by the longest tokens, and at random, thrice. */
    private static final int MODES = 5;

    @ParameterizedTest
    @CsvSource({
        "schemas.jsonl, schema, valid, invalid, 30",
        "grammars.jsonl, grammar, accept, refuse, 10",
        "regexes.jsonl, regex, accept, refuse, 10"
    })
    void textsAreAcceptedOrRefusedHoweverTheyAreCut(String file, String key, String accept, String refuse, int atLeast)
            throws IOException {
        List<String> wrong = new ArrayList<>();
        List<Map<?, ?>> cases = read(ConstraintCasesTest.class, file);
        for (Map<?, ?> test : cases) {
            Constraint constraint = constraint(key, Objects.requireNonNull(test.get(key)));
            for (int mode = 0; mode < MODES; mode++) {
                for (Object text : (List<?>) Objects.requireNonNull(test.get(accept))) {
                    int at = Feeding.feed(constraint, (String) text, mode);
                    if (at >= 0) {
                        wrong.add(test.get("id") + ": refuses " + text + " at " + at + ", cut in mode " + mode);
                    }
                }
                for (Object text : (List<?>) Objects.requireNonNull(test.get(refuse))) {
                    if (Feeding.feed(constraint, (String) text, mode) < 0) {
                        wrong.add(test.get("id") + ": accepts " + text + ", cut in mode " + mode);
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(cases).hasSizeGreaterThanOrEqualTo(atLeast);
    }

    private static Constraint constraint(String key, Object source) {
        return switch (key) {
            case "schema" -> Constraint.jsonSchema(JsonValues.write(source));
            case "grammar" -> Constraint.grammar((String) source);
            default -> Constraint.regex((String) source);
        };
    }

    private static List<Map<?, ?>> read(Class<?> beside, String file) throws IOException {
        try (InputStream stream = Objects.requireNonNull(beside.getResourceAsStream(file), file)) {
            List<Map<?, ?>> cases = new ArrayList<>();
            for (String line : new String(stream.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                cases.add((Map<?, ?>) JsonReader.read(line, "the case"));
            }
            return cases;
        }
    }
}
