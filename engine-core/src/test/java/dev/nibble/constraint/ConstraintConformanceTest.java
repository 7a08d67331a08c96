package dev.nibble.constraint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ConformanceData;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
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

    private static void check(String file, String key, Function<String, Constraint> compile) throws IOException {
        List<String> wrong = new ArrayList<>();
        int texts = 0;
        for (String line : Files.readAllLines(ConformanceData.require(file))) {
            Map<?, ?> test = (Map<?, ?>) JsonReader.read(line, "the case");
            Object id = test.get("id");
            Constraint constraint;
            try {
                constraint = compile.apply((String) test.get(key));
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
                    String text = (String) refuse.get("text");
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
                            wrong.add(id + ": refuses " + text + " at " + at + ", not at " + dead + ", in mode " + mode);
                        }
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(texts).isPositive();
    }

    private static List<?> list(Object value) {
        return value instanceof List<?> list ? list : List.of();
    }
}
