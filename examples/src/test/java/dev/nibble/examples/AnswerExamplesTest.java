package dev.nibble.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ChatOptions;
import dev.nibble.FinishReason;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.ToolLoop;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.ToolChoice;
import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.JsonSchema;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The examples of answers of a given shape, with a small model. What comes has the right shape; it need not be clever. */
class AnswerExamplesTest {
    private static @Nullable LanguageModel model;

    @BeforeAll
    static void load() throws IOException {
        model = LanguageModel.load(ExampleModel.file());
    }

    @AfterAll
    static void close() {
        if (model != null) {
            model.close();
        }
    }

    private static Session session() {
        return Objects.requireNonNull(model).newSession(SessionOptions.DEFAULT.withContextLength(2048));
    }

    @Test
    void wishesBecomeCommands() {
        try (Session session = session()) {
            for (String wish : List.of("Dim the kitchen lamp to a third, please.", "Make it warmer.")) {
                assertThat(HomeController.command(session, wish)).isNotNull();
            }
        }
    }

    @Test
    void anOrderIsReadOutOfALetter() {
        try (Session session = session()) {
            Extraction.Order order = Extraction.order(
                    session, "Dear shop, please send 3 loaves of bread for 2.50 each by 2026-12-24. Ann Miller");
            assertThat(order.items()).hasSizeBetween(1, 4);
            assertThat(order.customer()).hasSizeLessThanOrEqualTo(40);
        }
    }

    @Test
    void anAgentCallsItsTools() {
        ChatOptions options = ChatOptions.DEFAULT
                .withGeneration(GenerationOptions.GREEDY.withMaxTokens(120))
                .withToolChoice(ToolChoice.named("multiply"))
                .withParallelToolCalls(false);
        try (Session session = session()) {
            ToolLoop.Result result = Agent.ask(session, "What is 12 times 12?", options);
            // It has to call the tool each time, so that it is the steps that end it.
            assertThat(result.messages())
                    .extracting(ChatMessage::role)
                    .containsExactly("user", "assistant", "tool", "assistant", "tool", "assistant");
            assertThat(result.messages().get(2).content()).matches("-?\\d+");
            assertThat(result.isFinished()).isFalse();
        }
    }

    /** At a high temperature; {@code -Dnibble.generations=1000} for more of them. */
    @Test
    void everyTextSatisfiesItsSchemaOrIsSaidToBeCut() {
        String schema = "{\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\", \"maxLength\": 20}, "
                + "\"age\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 130}, "
                + "\"tags\": {\"type\": \"array\", \"items\": {\"enum\": [\"a\", \"b\", \"long tag\"]}, \"maxItems\": 3}}, "
                + "\"required\": [\"name\", \"age\", \"tags\"], \"additionalProperties\": false}";
        Constraint constraint = Constraint.jsonSchema(schema);
        JsonSchema oracle = JsonSchema.of(schema);
        int count = Integer.getInteger("nibble.generations", 12);
        int complete = 0;
        try (Session session = session()) {
            for (int seed = 0; seed < count; seed++) {
                Generation generation = session.chat(
                                List.of(ChatMessage.user("Describe a person as JSON.")),
                                GenerationOptions.DEFAULT
                                        .withTemperature(1.5f)
                                        .withSeed(seed)
                                        .withMaxTokens(seed % 4 == 3 ? 12 : 80)
                                        .withConstraint(constraint))
                        .result();
                if (generation.isComplete()) {
                    complete++;
                    assertThat(oracle.accepts(generation.text()))
                            .as(generation.text())
                            .isTrue();
                } else {
                    assertThat(generation.finishReason()).isEqualTo(FinishReason.MAX_TOKENS);
                }
            }
        }
        System.out.println(complete + " of " + count + " texts are complete");
        assertThat(complete).isPositive().isLessThan(count);
    }
}
