package dev.nibble.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.constraint.AnswerFeeding;
import dev.nibble.constraint.Constraint;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Answers with calls of tools and without: taken apart however they are cut, and allowed or refused while they are written. */
class ToolCallCasesTest {
    private static final List<ToolSpec> TOOLS = List.of(
            ToolSpec.of(
                    "set_light",
                    "Switches a light.",
                    "{\"type\":\"object\",\"properties\":{\"room\":{\"type\":\"string\"},\"on\":{\"type\":\"boolean\"},"
                            + "\"level\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":100}},\"required\":[\"room\",\"on\"],"
                            + "\"additionalProperties\":false}"),
            ToolSpec.of(
                    "list_rooms",
                    "Lists all rooms.",
                    "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}"));

    record Case(String id, AnswerDialect dialect, String output, Map<?, ?> expected) {
        @Override
        public String toString() {
            return id;
        }
    }

    static Stream<Case> cases() throws IOException {
        try (InputStream stream =
                Objects.requireNonNull(ToolCallCasesTest.class.getResourceAsStream("tool-calls.jsonl"))) {
            List<Case> cases = new ArrayList<>();
            for (String line : new String(stream.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                Map<?, ?> test = (Map<?, ?>) JsonReader.read(line, "the case");
                AnswerDialect dialect = AnswerDialect.of(ChatTemplate.parse(text(test, "template")));
                cases.add(new Case(text(test, "id"), dialect, text(test, "output"), test));
            }
            assertThat(cases).hasSizeGreaterThanOrEqualTo(20);
            return cases.stream();
        }
    }

    private static String text(Map<?, ?> test, String key) {
        return (String) Objects.requireNonNull(test.get(key));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void anAnswerIsTakenApartHoweverItIsCut(Case test) {
        for (int seed = 0; seed < 6; seed++) {
            ChatAnswer answer = parsed(test, seed);
            Object cut = test.expected.get("cut");
            assertThat(answer.cutCall().orElse("")).isEqualTo(cut instanceof String name ? name : "");
            if (text(test.expected, "mask").equals("refuse")) {
                assertThat(answer.toolCalls()).isEmpty();
                continue;
            }
            assertThat(answer.content().strip()).isEqualTo(test.expected.get("content"));
            List<Object> calls = new ArrayList<>();
            answer.toolCalls()
                    .forEach(call -> calls.add(List.of(call.name(), JsonReader.read(call.arguments(), "it"))));
            List<Object> expected = new ArrayList<>();
            for (Object call : (List<?>) Objects.requireNonNull(test.expected.get("calls"))) {
                String name = (String) ((List<?>) call).get(0);
                expected.add(List.of(name, JsonReader.read((String) ((List<?>) call).get(1), "it")));
            }
            assertThat(JsonValues.same(calls, expected)).as("%s", answer).isTrue();
        }
    }

    /** In one piece, character by character, else in random pieces. */
    private static ChatAnswer parsed(Case test, int seed) {
        AnswerParser parser = test.dialect.parser(TOOLS, "");
        Random random = new Random(seed);
        int[] characters = test.output.codePoints().toArray();
        for (int at = 0; at < characters.length; ) {
            int length = seed == 0 ? characters.length : seed == 1 ? 1 : 1 + random.nextInt(7);
            length = Math.min(length, characters.length - at);
            parser.feed(new String(characters, at, length));
            at += length;
        }
        parser.finish();
        return parser.answer();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void whatIsNoCallOfTheToolsIsRefusedWhileItIsWritten(Case test) {
        Constraint auto = test.dialect.constrain(TOOLS, ToolChoice.AUTO, true, null, "");
        for (boolean controls : new boolean[] {true, false}) {
            int at = AnswerFeeding.feed(auto, test.output, controls);
            switch (text(test.expected, "mask")) {
                case "accept" -> assertThat(at).isEqualTo(-1);
                case "open" -> assertThat(at).isEqualTo(AnswerFeeding.CUT);
                default -> assertThat(at).isNotNegative().isLessThan(test.output.length());
            }
        }
    }
}
