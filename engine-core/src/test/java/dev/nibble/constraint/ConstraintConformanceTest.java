package dev.nibble.constraint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ConformanceData;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Grammars and regular expressions of the conformance data: which texts they accept, and where they refuse the others. */
class ConstraintConformanceTest {

    @Test
    void grammarsAcceptAndRefuseAsTheReference() throws IOException {
        check("structured/gbnf.jsonl", "grammar", Constraint::grammar);
    }

    @Test
    void regularExpressionsAcceptAndRefuseAsTheReference() throws IOException {
        check("structured/regex.jsonl", "regex", Constraint::regex);
    }

    @Test
    void schemasAcceptWhatIsValidAndNothingElse() throws IOException {
        List<String> wrong = new ArrayList<>();
        List<String> refused = new ArrayList<>();
        int compiled = 0;
        int optional = 0;
        int optionalAccepted = 0;
        for (String line : Files.readAllLines(ConformanceData.require("structured/json-schema.jsonl"))) {
            Map<?, ?> test = (Map<?, ?>) JsonReader.read(line, "the case");
            Object id = test.get("id");
            List<?> mayRefuse = list(test.get("may_refuse"));
            Constraint constraint;
            try {
                constraint = Constraint.jsonSchema(JsonValues.write(Objects.requireNonNull(test.get("schema"))));
                compiled++;
            } catch (ConstraintException e) {
                refused.add(id + ": " + e.getMessage());
                if (mayRefuse.stream().noneMatch(word -> e.getMessage().contains((String) word))) {
                    wrong.add(id + ": " + e.getMessage());
                }
                continue;
            } catch (RuntimeException e) {
                throw new AssertionError(id + ": " + e, e);
            }
            for (int mode = 0; mode < 5; mode++) {
                for (Object text : list(test.get("valid"))) {
                    int at = Feeding.feed(constraint, (String) text, mode);
                    if (at >= 0) {
                        wrong.add(id + ": refuses " + text + " at " + at + " in mode " + mode);
                    }
                }
                for (Object text : list(test.get("invalid"))) {
                    if (Feeding.feed(constraint, (String) text, mode) < 0) {
                        wrong.add(id + ": accepts " + text + " in mode " + mode);
                    }
                }
            }
            for (Object text : list(test.get("optional"))) {
                optional++;
                optionalAccepted += Feeding.feed(constraint, (String) text, 1) < 0 ? 1 : 0;
            }
        }
        System.out.println(compiled + " schemas compiled, " + refused.size() + " refused by name; of " + optional
                + " optional texts " + optionalAccepted + " accepted");
        refused.forEach(System.out::println);
        assertThat(wrong).isEmpty();
    }

    private static void check(String file, String key, Function<String, Constraint> compile) throws IOException {
        List<String> wrong = new ArrayList<>();
        int texts = 0;
        for (String line : Files.readAllLines(ConformanceData.require(file))) {
            Map<?, ?> test = (Map<?, ?>) JsonReader.read(line, "the case");
            Object id = test.get("id");
            Constraint constraint;
            try {
                constraint = compile.apply(String.valueOf(test.get(key)));
            } catch (ConstraintException e) {
                if (!Boolean.TRUE.equals(test.get("must_fail")) && !Boolean.TRUE.equals(test.get("may_fail"))) {
                    wrong.add(id + ": " + e.getMessage());
                }
                continue;
            }
            if (Boolean.TRUE.equals(test.get("must_fail"))) {
                wrong.add(id + ": compiled");
                continue;
            }
            for (int mode = 0; mode < 5; mode++) {
                for (Object text : list(test.get("accept"))) {
                    texts++;
                    int at = Feeding.feed(constraint, (String) text, mode);
                    if (at >= 0) {
                        wrong.add(id + ": refuses " + text + " at " + at + " in mode " + mode);
                    }
                }
                for (Object refusal : list(test.get("refuse"))) {
                    texts++;
                    Map<?, ?> refuse = (Map<?, ?>) refusal;
                    String text = String.valueOf(refuse.get("text"));
                    int at = Feeding.feed(constraint, text, mode);
                    if (at < 0) {
                        wrong.add(id + ": accepts " + text + " in mode " + mode);
                    } else if (!Boolean.TRUE.equals(refuse.get("dead_unknown")) && refuse.containsKey("dead_at")) {
                        Object dead = refuse.get("dead_at");
                        int length = text.getBytes(StandardCharsets.UTF_8).length;
                        boolean right = dead instanceof BigDecimal expected
                                ? at <= expected.intValue() && (mode > 0 || at == expected.intValue())
                                : at == length;
                        if (!right) {
                            wrong.add(
                                    id + ": refuses " + text + " at " + at + ", not at " + dead + ", in mode " + mode);
                        }
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(texts).isPositive();
    }

    private static List<?> list(@Nullable Object value) {
        return value instanceof List<?> list ? list : List.of();
    }
}
