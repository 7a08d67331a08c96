package dev.nibble.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ConformanceData;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Answers of the conformance data: whole, and after every prefix. */
class AnswerConformanceTest {
    private static final Path CASES = ConformanceData.require("structured/tool-calls.jsonl");

    @Test
    void answersAreTakenApartAsExpected() throws IOException {
        List<String> wrong = new ArrayList<>();
        for (Map<?, ?> test : cases()) {
            AnswerParser parser = parser(test);
            parser.feed(text(test.get("model_output")));
            parser.finish();
            String difference = difference(parser.answer(), map(test.get("expected")));
            if (!difference.isEmpty()) {
                wrong.add(test.get("id") + ": " + difference);
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void whatIsGivenOutOnlyGrowsAndLagsNoMoreThanItHasTo() throws IOException {
        List<String> wrong = new ArrayList<>();
        int prefixes = 0;
        for (Map<?, ?> test : cases()) {
            String output = text(test.get("model_output"));
            AnswerParser parser = parser(test);
            Streamed streamed = new Streamed();
            for (int at = 0; at < output.length(); ) {
                int next = at + Character.charCount(output.codePointAt(at));
                streamed.add(parser.feed(output.substring(at, next)));
                at = next;
                String prefix = output.substring(0, at);
                String difference = streamed.difference(parser.answer());
                for (Object one : list(test.get("partial"))) {
                    if (prefix.equals(map(one).get("prefix"))) {
                        prefixes++;
                        difference += streamed.difference(map(one));
                    }
                }
                if (!difference.isEmpty()) {
                    wrong.add(test.get("id") + ": " + difference + " after " + prefix);
                }
            }
            streamed.add(parser.finish());
            String last = streamed.difference(parser.answer());
            ChatAnswer atOnce = atOnce(test);
            last += atOnce.content().equals(parser.answer().content())
                            && atOnce.reasoning().equals(parser.answer().reasoning())
                            && atOnce.toolCalls().equals(parser.answer().toolCalls())
                            && atOnce.cutCall().equals(parser.answer().cutCall())
                    ? ""
                    : "differs from the answer in one piece";
            if (!last.isEmpty()) {
                wrong.add(test.get("id") + " at the end: " + last);
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(prefixes).isGreaterThan(200);
    }

    private static ChatAnswer atOnce(Map<?, ?> test) throws IOException {
        AnswerParser parser = parser(test);
        parser.feed(text(test.get("model_output")));
        parser.finish();
        return parser.answer();
    }

    /** What the deltas add up to. */
    private static final class Streamed {
        private final StringBuilder content = new StringBuilder();
        private final StringBuilder reasoning = new StringBuilder();
        private final List<StringBuilder> arguments = new ArrayList<>();
        private int done;
        private int refused;

        void add(List<AnswerDelta> deltas) {
            for (AnswerDelta delta : deltas) {
                switch (delta.kind()) {
                    case CONTENT -> content.append(delta.text());
                    case REASONING -> reasoning.append(delta.text());
                    case CALL -> arguments.add(new StringBuilder());
                    case ARGUMENTS -> arguments.getLast().append(delta.text());
                    case CALL_END -> done++;
                    case CALL_REFUSED -> refused++;
                }
            }
        }

        String difference(ChatAnswer answer) {
            boolean same = content.toString().equals(answer.content())
                    && reasoning.toString().equals(answer.reasoning())
                    && done == answer.toolCalls().size()
                    && refused == answer.refusedCalls().size();
            for (int i = 0; same && refused == 0 && i < done; i++) {
                same = arguments
                        .get(i)
                        .toString()
                        .equals(answer.toolCalls().get(i).arguments());
            }
            return same ? "" : "the deltas do not add up to the answer";
        }

        String difference(Map<?, ?> expected) {
            int named = number(expected.get("calls_named"));
            int finished = number(expected.get("calls_done"));
            boolean right = content.toString()
                            .strip()
                            .equals(text(expected.get("content")).strip())
                    && reasoning
                            .toString()
                            .strip()
                            .equals(text(expected.get("reasoning")).strip())
                    && arguments.size() >= finished
                    && arguments.size() <= named
                    && done >= finished;
            return right
                    ? ""
                    : "content [" + content + "], reasoning [" + reasoning + "], " + arguments.size() + " calls, not "
                            + JsonValues.write(expected);
        }
    }

    private static String difference(ChatAnswer answer, Map<?, ?> expected) {
        if (expected.get("refused") != null) {
            return answer.toolCalls().isEmpty() ? "" : "not refused: " + answer.toolCalls();
        }
        List<Object> calls = new ArrayList<>();
        for (int i = 0; i < answer.toolCalls().size(); i++) {
            ToolCall call = answer.toolCalls().get(i);
            calls.add(call.name());
            calls.add(JsonReader.read(call.arguments(), "the arguments"));
            calls.add(Objects.requireNonNullElse(call.id(), JsonReader.NULL));
        }
        List<Object> expectedCalls = new ArrayList<>();
        for (Object one : list(expected.get("tool_calls"))) {
            expectedCalls.add(Objects.requireNonNull(map(one).get("name")));
            expectedCalls.add(Objects.requireNonNull(map(one).get("arguments")));
            expectedCalls.add(Objects.requireNonNullElse(map(one).get("id"), JsonReader.NULL));
        }
        String expectedReasoning = text(expected.get("reasoning")).strip();
        boolean contains = Boolean.TRUE.equals(expected.get("reasoning_contains"));
        boolean right = JsonValues.same(calls, expectedCalls)
                && answer.content().strip().equals(text(expected.get("content")).strip())
                && (contains
                        ? answer.reasoning().contains(expectedReasoning)
                        : answer.reasoning().strip().equals(expectedReasoning))
                && Objects.equals(answer.cutCall().orElse(null), expected.get("incomplete"));
        return right
                ? ""
                : "content [" + answer.content() + "], reasoning [" + answer.reasoning() + "], calls "
                        + answer.toolCalls()
                        + ", refused " + answer.refusedCalls() + ", cut " + answer.cutCall() + ", not "
                        + JsonValues.write(expected);
    }

    private static AnswerParser parser(Map<?, ?> test) throws IOException {
        List<ToolSpec> tools = new ArrayList<>();
        for (Object tool : list(test.get("tools"))) {
            Map<?, ?> function = map(map(tool).get("function"));
            tools.add(ToolSpec.of(
                    text(function.get("name")),
                    text(function.get("description")),
                    JsonValues.write(Objects.requireNonNull(function.get("parameters")))));
        }
        AnswerDialect dialect = AnswerDialect.of(ChatTemplate.parse(template(text(test.get("template")))));
        return dialect.parser(tools, text(test.get("prefill")));
    }

    private static String template(String name) throws IOException {
        Path here = CASES.resolveSibling(name);
        return Files.readString(Files.exists(here) ? here : ConformanceData.require("chat-templates/" + name));
    }

    private static List<Map<?, ?>> cases() throws IOException {
        List<Map<?, ?>> cases = new ArrayList<>();
        for (String line : Files.readAllLines(CASES)) {
            cases.add(map(JsonReader.read(line, "the case")));
        }
        assertThat(cases).hasSizeGreaterThan(100);
        return cases;
    }

    private static Map<?, ?> map(@Nullable Object value) {
        return (Map<?, ?>) Objects.requireNonNull(value);
    }

    private static List<?> list(@Nullable Object value) {
        return value instanceof List<?> list ? list : List.of();
    }

    private static String text(@Nullable Object value) {
        return value instanceof String string ? string : "";
    }

    private static int number(@Nullable Object value) {
        return ((Number) Objects.requireNonNull(value)).intValue();
    }
}
