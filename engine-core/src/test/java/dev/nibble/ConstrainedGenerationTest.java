package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.nibble.chat.AnswerDelta;
import dev.nibble.chat.ChatAnswer;
import dev.nibble.chat.ChatMessage;
import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.ConstraintException;
import dev.nibble.constraint.JsonSchema;
import dev.nibble.constraint.Range;
import dev.nibble.constraint.Size;
import dev.nibble.constraint.TypeMapping;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Generation under a constraint: what is chosen, where it ends, and what is said of it. */
class ConstrainedGenerationTest {
    private static final GenerationOptions GREEDY = GenerationOptions.GREEDY;
    private static final String SCHEMA =
            "{\"type\":\"object\",\"properties\":{\"room\":{\"type\":\"string\",\"maxLength\":8},"
                    + "\"percent\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":100}},"
                    + "\"required\":[\"room\",\"percent\"],\"additionalProperties\":false}";
    private static final int PROMPT = 4; // "abc" and BOS

    record Dim(
            @Size(max = 8) String room,

            @Range(min = 0, max = 100) int percent) {}

    record Rooms(List<Dim> dims) {}

    private static Generation generate(FakeModel fake, GenerationOptions options) {
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            return session.generate("abc", options);
        } finally {
            fake.pass.closed = false; // the fakes are used again
        }
    }

    @Test
    void whatTheModelWantsIsTakenWhereItMayCome() {
        String json = "{\"room\":\"kitchen\",\"percent\":33}";
        Generation generation = generate(new FakeModel().continuing(PROMPT, json), GREEDY.withJsonSchema(SCHEMA));
        assertThat(generation.text()).isEqualTo(json);
        assertThat(generation.isComplete()).isTrue();
        assertThat(generation.finishReason()).isEqualTo(FinishReason.STOP_TOKEN);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whateverTheModelWantsTheTextSatisfiesTheSchema(boolean canChoose) {
        FakeModel fake = new FakeModel();
        fake.pass.canChoose = canChoose;
        JsonSchema schema = JsonSchema.of(SCHEMA);
        Generation greedy = generate(fake, GREEDY.withJsonSchema(SCHEMA));
        assertThat(greedy.isComplete()).isTrue();
        assertThat(schema.accepts(greedy.text())).as(greedy.text()).isTrue();
        for (int seed = 0; seed < 50; seed++) {
            Generation generation = generate(
                    fake,
                    GenerationOptions.DEFAULT
                            .withSeed(seed)
                            .withTemperature(1.5f)
                            .withTopK(seed % 3 == 0 ? 0 : 40)
                            .withRepeatPenalty(seed % 2 == 0 ? 1 : 1.3f)
                            .withJsonSchema(SCHEMA));
            assertThat(generation.isComplete()).isTrue();
            assertThat(schema.accepts(generation.text())).as(generation.text()).isTrue();
        }
    }

    @Test
    void theBackendChoosingAndTheMaskGiveTheSameText() {
        FakeModel fake = new FakeModel();
        Generation masked = generate(fake, GREEDY.withRegex("[a-z]{3,20}"));
        fake.pass.canChoose = true;
        Generation chosen = generate(fake, GREEDY.withRegex("[a-z]{3,20}"));
        assertThat(chosen.tokens()).isEqualTo(masked.tokens());
        assertThat(fake.pass.choices).isPositive();
    }

    @Test
    void theEndComesOnlyWhereTheTextMayEnd() {
        // The model wants to end at once.
        Generation generation = generate(new FakeModel().continuing(PROMPT, ""), GREEDY.withRegex("[ab]{3,5}"));
        assertThat(generation.text()).hasSize(3);
        assertThat(generation.isComplete()).isTrue();
        assertThat(generation.tokens()).endsWith(ByteTokenizer.EOS);
    }

    @Test
    void theEndIsForcedWhereNothingElseMayCome() {
        Generation generation =
                generate(new FakeModel().continuing(PROMPT, "onward"), GREEDY.withChoices(List.of("on", "off")));
        assertThat(generation.text()).isEqualTo("on");
        assertThat(generation.tokens()).containsExactly((int) 'o', (int) 'n');
        assertThat(generation.finishReason()).isEqualTo(FinishReason.STOP_TOKEN);
        assertThat(generation.isComplete()).isTrue();
    }

    @Test
    void theEndOfTheTextWinsOverTheLimit() {
        FakeModel fake = new FakeModel().continuing(PROMPT, "on");
        assertThat(generate(fake, GREEDY.withChoices(List.of("on")).withMaxTokens(2))
                        .isComplete())
                .isTrue();
        Generation cut = generate(fake, GREEDY.withChoices(List.of("on")).withMaxTokens(1));
        assertThat(cut.finishReason()).isEqualTo(FinishReason.MAX_TOKENS);
        assertThat(cut.isComplete()).isFalse();
    }

    @Test
    void whatIsCutIsNotComplete() {
        FakeModel fake = new FakeModel().continuing(PROMPT, "aaaaaaaaaaaaaaaaaaaa");
        GenerationOptions options = GREEDY.withRegex("a+");
        assertThat(generate(fake, options.withMaxTokens(5)).isComplete())
                .as("it could go on")
                .isFalse();
        Generation stopped = generate(fake, options.withStop("aaa"));
        assertThat(stopped.finishReason()).isEqualTo(FinishReason.STOP_STRING);
        assertThat(stopped.isComplete()).isFalse();
        fake.contextLength = PROMPT + 3;
        Generation full = generate(fake, options);
        assertThat(full.finishReason()).isEqualTo(FinishReason.CONTEXT_FULL);
        assertThat(full.isComplete()).isFalse();
        fake.contextLength = 200;
        try (LanguageModel model = fake.open();
                Session session = model.newSession();
                TokenStream stream = session.stream("abc", options)) {
            stream.next();
            stream.cancel();
            assertThat(stream.result().isComplete()).isFalse();
        }
    }

    @Test
    void withoutAConstraintOnlyLimitsCut() {
        FakeModel fake = new FakeModel().continuing(PROMPT, "xyz");
        assertThat(generate(fake, GREEDY).isComplete()).isTrue();
        assertThat(generate(fake, GREEDY.withStop("y")).isComplete()).isTrue();
        assertThat(generate(fake, GREEDY.withMaxTokens(2)).isComplete()).isFalse();
    }

    @Test
    void aStateWithoutATokenIsAnErrorAndNeverNoConstraint() {
        FakeModel fake = new FakeModel();
        fake.tokenizer = new ByteTokenizer(true, 'n'); // never generated
        assertThatThrownBy(() -> generate(fake, GREEDY.withChoices(List.of("on"))))
                .isInstanceOf(ConstraintException.class)
                .hasMessageContaining("after 1 generated tokens the constraint (the choices) leaves no token");
    }

    @Test
    void suppressedTokensStayOutOfTheText() {
        FakeModel fake = new FakeModel().continuing(PROMPT, "bbbb");
        fake.tokenizer = new ByteTokenizer(true, 'b');
        Generation generation = generate(fake, GREEDY.withRegex("[ab]{4}"));
        assertThat(generation.text()).isEqualTo("aaaa");
    }

    @Test
    void processorsAndBiasesOnlyNarrow() {
        FakeModel fake = new FakeModel();
        GenerationOptions options = GREEDY.withRegex("[ab]{4}")
                .withLogitsProcessors(List.of((logits, tokens, count) -> {
                    assertThat(logits['c']).isEqualTo(Float.NEGATIVE_INFINITY);
                    logits['c'] = Float.POSITIVE_INFINITY;
                    logits['d'] = Float.NaN;
                    logits['a'] = Float.NEGATIVE_INFINITY;
                }));
        assertThat(generate(fake, options).text()).isEqualTo("bbbb");
        assertThat(generate(fake, options.withTemperature(1)).text()).isEqualTo("bbbb");
        assertThat(generate(fake, GREEDY.withRegex("[ab]{4}").withLogitBias(Map.of((int) 'c', 1000f, (int) 'b', 900f)))
                        .text())
                .isEqualTo("bbbb");
        assertThatThrownBy(() -> generate(
                        fake,
                        GREEDY.withChoices(List.of("on")).withLogitBias(Map.of((int) 'o', Float.NEGATIVE_INFINITY))))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("the constraint leave no token");
    }

    @Test
    void logProbabilitiesAreThoseOfTheModel() {
        FakeModel fake = new FakeModel();
        GenerationOptions options = GREEDY.withRegex("[ab]{3,9}").withTopLogProbabilities(2);
        try (LanguageModel model = fake.open();
                Session session = model.newSession();
                Session other = model.newSession()) {
            for (GeneratedToken token : session.stream("abc", options)) {
                int[] before = other.length() == 0 ? new int[] {ByteTokenizer.BOS, 'a', 'b', 'c'} : new int[0];
                if (before.length > 0) {
                    other.evaluate(before, false);
                }
                if (token.id() == ByteTokenizer.EOS) {
                    continue;
                }
                assertThat(token.logProbability()).isCloseTo(other.score(new int[] {token.id()})[0], within(1e-4f));
                // What the model would have chosen, allowed or not.
                assertThat(token.alternatives()).hasSize(2);
                assertThat(token.alternatives().getFirst().logProbability())
                        .isGreaterThanOrEqualTo(token.logProbability() - 1e-4f);
            }
        }
    }

    @Test
    void aSessionGoesOnAfterAConstrainedText() {
        FakeModel fake = new FakeModel();
        try (LanguageModel model = fake.open();
                Session session = model.newSession();
                Session other = model.newSession()) {
            Generation first = session.generate("abc", GREEDY.withRegex("[ab]{5}"));
            Generation second = session.generate("de", GREEDY.withMaxTokens(5));
            int[] tokens = session.tokens();
            other.evaluate(Arrays.copyOf(tokens, PROMPT + 5 + 2), false);
            Generation again = other.generate("", GREEDY.withMaxTokens(5));
            assertThat(again.tokens()).isEqualTo(second.tokens());
            assertThat(first.tokens()).hasSize(5);
        }
    }

    @Test
    void aConstraintOfTheEmptyTextEndsAtOnce() {
        Generation generation = generate(new FakeModel(), GREEDY.withRegex(""));
        assertThat(generation.tokens()).isEmpty();
        assertThat(generation.isComplete()).isTrue();
    }

    @Test
    void endTokensCountWhereTheyAreIgnoredOtherwise() {
        Generation generation = generate(
                new FakeModel().continuing(PROMPT, "aa"), GREEDY.withRegex("a+").withIgnoreEndOfGeneration(true));
        assertThat(generation.text()).isEqualTo("aa");
        assertThat(generation.isComplete()).isTrue();
    }

    @Test
    void aValueOfATypeIsGenerated() {
        try (LanguageModel model = new FakeModel().open();
                Session session = model.newSession()) {
            Dim dim = session.generate(
                    "abc", GenerationOptions.DEFAULT.withSeed(1).withMaxTokens(150), Dim.class);
            assertThat(dim.percent()).isBetween(0, 100);
            session.reset();
            assertThat(session.generate("abc", GREEDY, boolean.class)).isNotNull();
            session.reset();
            TypeMapping<?> numbers = TypeMapping.of(listOfBooleans());
            assertThatThrownBy(() -> session.generate("abc", GREEDY.withRegex("a"), numbers))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "the options already have a constraint, the regular expression a, beside that of the type");
        }
    }

    private static ParameterizedType listOfBooleans() {
        for (RecordComponent component : Rooms.class.getRecordComponents()) {
            return (ParameterizedType) component.getGenericType();
        }
        throw new AssertionError();
    }

    @Test
    void aValueThatIsCutIsAnErrorWithItsText() {
        String json = "{\"room\":\"kitchen\",\"percent\":33}";
        try (LanguageModel model = new FakeModel().continuing(PROMPT, json).open();
                Session session = model.newSession()) {
            assertThatThrownBy(() -> session.generate("abc", GREEDY.withMaxTokens(12), Dim.class))
                    .isInstanceOfSatisfying(IncompleteAnswerException.class, e -> {
                        assertThat(e.partialText()).isEqualTo("{\"room\":\"kit");
                        assertThat(e.finishReason()).isEqualTo(FinishReason.MAX_TOKENS);
                    })
                    .hasMessageContaining("{\"room\":\"kit");
        }
    }

    /** A template that begins the answer with reasoning. */
    private static final String THINKING = "{% for m in messages %}{{ m.content }}{% endfor %}"
            + "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}";

    private static final String MAY_THINK = "{% for m in messages %}{{ m.content }}{% endfor %}"
            + "{% if add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking is false %}<think>\n\n</think>\n\n"
            + "{% endif %}{% endif %}";

    private static ChatAnswer answer(String template, String text, ChatOptions options, int length) {
        FakeModel fake = new FakeModel();
        fake.metadata.put("tokenizer.chat_template", template);
        fake.continuing(length, text);
        try (LanguageModel model = fake.open();
                Session session = model.newSession();
                AnswerStream stream = session.answer(List.of(ChatMessage.user("hi")), options)) {
            ChatAnswer answer = stream.result();
            assertThat(stream.generation().isComplete()).isTrue();
            return answer;
        }
    }

    @Test
    void reasoningThatTheTemplateBeginsIsFreeAndThenTheConstraintHolds() {
        ChatOptions options = ChatOptions.DEFAULT.withGeneration(GREEDY.withChoices(List.of("yes", "no")));
        int prompt = PROMPT - 1 + 2 + "assistant\n<think>\n".length() - 1;
        ChatAnswer answer = answer(THINKING, "maybe no, or so</think>\n\nyes sir", options, prompt);
        assertThat(answer.reasoning()).isEqualTo("maybe no, or so");
        assertThat(answer.content()).isEqualTo("yes");
    }

    @Test
    void reasoningIsPossibleWhereTheTemplateKnowsOfItAndOnlyThere() {
        ChatOptions options = ChatOptions.DEFAULT.withGeneration(GREEDY.withChoices(List.of("yes", "no")));
        int prompt = 1 + 2 + 1 + "assistant\n".length();
        ChatAnswer thinks = answer(MAY_THINK, "<think>hm</think>no", options, prompt);
        assertThat(thinks.reasoning()).isEqualTo("hm");
        assertThat(thinks.content()).isEqualTo("no");
        assertThat(answer(MAY_THINK, "no", options, prompt).content()).isEqualTo("no");
        ChatAnswer switchedOff = answer(
                MAY_THINK,
                "<think>hm</think>no",
                options.withTemplateVariables(Map.of("enable_thinking", false)),
                prompt + "<think>\n\n</think>\n\n".length());
        assertThat(switchedOff.reasoning()).isEmpty();
        assertThat(switchedOff.content()).isIn("yes", "no");
        String plain = "{% for m in messages %}{{ m.content }}{% endfor %}";
        ChatAnswer knowsNothing = answer(plain, "<think>hm</think>no", options, 1 + 2);
        assertThat(knowsNothing.content()).isIn("yes", "no");
    }

    @Test
    void deltasAddUpToTheAnswer() {
        FakeModel fake = new FakeModel();
        fake.metadata.put("tokenizer.chat_template", THINKING);
        int prompt = 1 + 2 + 1 + "assistant\n<think>\n".length();
        fake.continuing(prompt, "one two</think>three");
        try (LanguageModel model = fake.open();
                Session session = model.newSession();
                AnswerStream stream =
                        session.answer(List.of(ChatMessage.user("hi")), ChatOptions.DEFAULT.withGeneration(GREEDY))) {
            StringBuilder content = new StringBuilder();
            StringBuilder reasoning = new StringBuilder();
            for (AnswerDelta delta : stream) {
                (delta.kind() == AnswerDelta.Kind.CONTENT ? content : reasoning).append(delta.text());
            }
            assertThat(content).hasToString("three");
            assertThat(reasoning).hasToString("one two");
            assertThat(stream.result().content()).isEqualTo("three");
        }
    }

    @Test
    void aValueIsAnsweredInAChatAfterReasoning() {
        FakeModel fake = new FakeModel();
        fake.metadata.put("tokenizer.chat_template", THINKING);
        int prompt = 1 + 2 + 1 + "assistant\n<think>\n".length();
        fake.continuing(prompt, "kitchen…</think>\n{\"room\": \"kitchen\", \"percent\": 33}");
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            Dim dim = session.answer(
                    List.of(ChatMessage.user("hi")), ChatOptions.DEFAULT.withGeneration(GREEDY), Dim.class);
            assertThat(dim).isEqualTo(new Dim("kitchen", 33));
        }
    }

    @Test
    void textThatHasToComeIsTakenWithoutAChoiceAndEvaluatedWithWhatFollows() {
        FakeModel fake = new FakeModel().continuing(PROMPT, "{\"room\":\"a\",\"percent\":7}");
        Generation generation = generate(fake, GREEDY.withJsonSchema(SCHEMA));
        int evaluations = fake.pass.evaluations;
        assertThat(generation.text()).isEqualTo("{\"room\":\"a\",\"percent\":7}");
        assertThat(generation.stats().forcedTokens()).isGreaterThan(10);
        assertThat(evaluations)
                .isLessThanOrEqualTo(
                        generation.tokens().length - generation.stats().forcedTokens() + 2);
        // Who looks at the scores of each token gets them, and the text is the same.
        Generation each = generate(fake, GREEDY.withJsonSchema(SCHEMA).withTopLogProbabilities(1));
        assertThat(each.tokens()).isEqualTo(generation.tokens());
        assertThat(each.stats().forcedTokens()).isZero();
    }

    @Test
    void limitsAndStopStringsHoldWithinTextThatHasToCome() {
        FakeModel fake = new FakeModel();
        for (int tokens = 0; tokens < 12; tokens++) {
            Generation cut = generate(fake, GREEDY.withRegex("[ab]a long text;").withMaxTokens(tokens));
            assertThat(cut.tokens()).hasSize(tokens);
            assertThat(cut.isComplete()).isFalse();
        }
        Generation stopped = generate(fake, GREEDY.withRegex("[ab]a long text;").withStop("ng"));
        assertThat(stopped.text().substring(1)).isEqualTo("a lo");
        fake.contextLength = PROMPT + 6;
        assertThat(generate(fake, GREEDY.withRegex("[ab]a long text;")).finishReason())
                .isEqualTo(FinishReason.CONTEXT_FULL);
    }

    /** A vocabulary has tokens for bytes that are in no text, too. */
    @Test
    void aMarkIsTextOrItsTokenAndNothingElse() {
        FakeModel fake = new FakeModel();
        fake.pass.next = tokens -> 0xFF;
        Generation generation = generate(fake, GREEDY.withConstraint(Constraint.mark("<tool>")));
        assertThat(generation.text()).isEqualTo("<tool>");
        assertThat(generate(
                                fake,
                                GREEDY.withConstraint(Constraint.without(List.of("a")))
                                        .withMaxTokens(20))
                        .text())
                .doesNotContain("\uFFFD\uFFFD");
    }

    @Test
    void partsOfConstraintsAreJoined() {
        Constraint constraint = Constraint.sequence(
                Constraint.upTo("<a>", List.of("<b>")),
                Constraint.anyOf(List.of(Constraint.text("x"), Constraint.regex("\\d+"))),
                Constraint.text(";").repeated(),
                Constraint.mark("</s>").optional());
        Generation generation = generate(
                new FakeModel().continuing(PROMPT, "free <text <a>12;;end"), GREEDY.withConstraint(constraint));
        assertThat(generation.text()).startsWith("free <text <a>12;;");
        Generation refused =
                generate(new FakeModel().continuing(PROMPT, "free <b><a>x"), GREEDY.withConstraint(constraint));
        assertThat(refused.text()).startsWith("free <b").doesNotContain("<b>");
    }
}
