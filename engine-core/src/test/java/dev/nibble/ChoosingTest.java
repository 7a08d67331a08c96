package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A backend that chooses the most probable token itself is left to do so where that is all that is wanted. */
class ChoosingTest {
    /** More than one batch of the fake. */
    private static final String PROMPT = "a prompt of several batches";

    private static final GenerationOptions GREEDY = GenerationOptions.GREEDY.withMaxTokens(12);

    private final FakeModel choosing = choosing();

    private static FakeModel choosing() {
        FakeModel fake = new FakeModel();
        fake.pass.canChoose = true;
        return fake;
    }

    private static List<GeneratedToken> stream(FakeModel fake, GenerationOptions options) {
        List<GeneratedToken> tokens = new ArrayList<>();
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            session.stream(PROMPT, options).forEach(tokens::add);
        }
        return tokens;
    }

    @Test
    void itsChoiceIsTheSamplersAndNoLogitsAreFetched() {
        List<GeneratedToken> chosen = stream(choosing, GREEDY);
        assertThat(choosing.pass.evaluations).isZero();
        FakeModel usual = new FakeModel();
        List<GeneratedToken> sampled = stream(usual, GREEDY);
        assertThat(usual.pass.choices).isZero();
        assertThat(chosen).extracting(GeneratedToken::id).hasSize(12).isEqualTo(ids(sampled));
        assertThat(choosing.pass.evaluatedRows).hasValue(usual.pass.evaluatedRows.get());
        for (int i = 0; i < chosen.size(); i++) {
            assertThat(chosen.get(i).logProbability()).isCloseTo(sampled.get(i).logProbability(), within(1e-5f));
        }
    }

    private static List<Integer> ids(List<GeneratedToken> tokens) {
        return tokens.stream().map(GeneratedToken::id).toList();
    }

    @Test
    void whatChangesTheScoresOrDrawsNeedsTheLogits() {
        List<GenerationOptions> options = List.of(
                GREEDY.withTemperature(0.8f),
                GREEDY.withRepeatPenalty(1.1f),
                GREEDY.withFrequencyPenalty(0.5f),
                GREEDY.withLogitBias(Map.of(3, 1f)),
                GREEDY.withLogitsProcessors(List.of((logits, tokens, count) -> logits[0] = 0)));
        for (GenerationOptions each : options) {
            FakeModel fake = choosing();
            assertThat(stream(fake, each)).as(each.toString()).isNotEmpty();
            assertThat(fake.pass.choices).as(each.toString()).isZero();
        }
    }

    @Test
    void aSessionGoesOnEitherWay() {
        try (LanguageModel model = choosing.open();
                Session session = model.newSession();
                LanguageModel other = new FakeModel().open();
                Session expected = other.newSession()) {
            GenerationOptions drawn = GREEDY.withTemperature(1).withSeed(3);
            for (GenerationOptions options : List.of(GREEDY, drawn, GREEDY)) {
                assertThat(session.generate(" and", options).tokens())
                        .isEqualTo(expected.generate(" and", options).tokens());
            }
            assertThat(session.tokens()).isEqualTo(expected.tokens());
        }
    }

    @Test
    void scoresWithoutAUsableNumberAreAnErrorHereToo() {
        choosing.pass.damaged = true;
        assertThatThrownBy(() -> stream(choosing, GREEDY))
                .isInstanceOf(NibbleException.class)
                .hasMessageContaining("hold no usable number");
    }
}
