package dev.nibble.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ConformanceData;
import dev.nibble.constraint.AnswerFeeding;
import dev.nibble.constraint.Constraint;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What answers of the conformance data may look like: those that are right are allowed, those with calls that are not valid never. */
class AnswerConstraintTest {
    private static final Path CASES = ConformanceData.require("structured/tool-calls.jsonl");

    private static final Map<String, AnswerDialect> DIALECTS = new HashMap<>();

    @Test
    void rightAnswersAreAllowedAndWrongOnesRefused() throws IOException {
        List<String> wrong = new ArrayList<>();
        int checked = 0;
        for (String line : Files.readAllLines(CASES)) {
            Map<?, ?> test = map(JsonReader.read(line, "the case"));
            String id = text(test.get("id"));
            boolean cut = map(test.get("expected")).get("incomplete") != null;
            String output = text(test.get("model_output"));
            String mask = text(test.get("mask"));
            try {
                Constraint auto = constraint(test, ToolChoice.AUTO);
                Constraint must = constraint(test, ToolChoice.REQUIRED);
                Constraint mustNot = constraint(test, ToolChoice.NONE);
                for (boolean controls : new boolean[] {true, false}) {
                    int at = AnswerFeeding.feed(auto, output, controls);
                    boolean accepted = cut ? at == AnswerFeeding.CUT || at < 0 : at < 0;
                    if (mask.equals("accept") && !accepted || mask.equals("refuse") && at < 0) {
                        wrong.add(id + " " + controls + ": " + mask + ", but " + where(output, at));
                    }
                    List<?> calls =
                            map(test.get("expected")).get("tool_calls") instanceof List<?> list ? list : List.of();
                    int required = AnswerFeeding.feed(must, output, controls);
                    if (calls.isEmpty() && !cut && required < 0) {
                        wrong.add(id + ": required, but no call is allowed");
                    }
                    int none = AnswerFeeding.feed(mustNot, output, controls);
                    if (!calls.isEmpty() && none < 0) {
                        wrong.add(id + ": none, but a call is allowed");
                    }
                    checked++;
                }
            } catch (RuntimeException e) {
                wrong.add(id + ": " + e);
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(checked).isGreaterThan(200);
    }

    private static String where(String output, int at) {
        return at < 0
                ? "accepted"
                : at == AnswerFeeding.CUT ? "the end is refused" : "refused after " + output.substring(0, at);
    }

    private static Constraint constraint(Map<?, ?> test, ToolChoice choice) throws IOException {
        List<ToolSpec> tools = new ArrayList<>();
        for (Object tool : test.get("tools") instanceof List<?> list ? list : List.of()) {
            Map<?, ?> function = map(map(tool).get("function"));
            tools.add(ToolSpec.of(
                    text(function.get("name")),
                    text(function.get("description")),
                    JsonValues.write(Objects.requireNonNull(function.get("parameters")))));
        }
        String template = template(text(test.get("template")));
        AnswerDialect dialect =
                DIALECTS.computeIfAbsent(template, source -> AnswerDialect.of(ChatTemplate.parse(source)));
        return dialect.constrain(tools, choice, true, null, text(test.get("prefill")));
    }

    private static String template(String name) throws IOException {
        Path here = CASES.resolveSibling(name);
        return Files.readString(Files.exists(here) ? here : ConformanceData.require("chat-templates/" + name));
    }

    private static Map<?, ?> map(@Nullable Object value) {
        return (Map<?, ?>) Objects.requireNonNull(value);
    }

    private static String text(@Nullable Object value) {
        return value instanceof String string ? string : "";
    }
}
