package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

/** How probable the model finds tokens: those it could have chosen, and those it is given. */
class LogProbabilitiesTest {

    @Test
    void aTokenComesWithTheMostProbableOnesOfItsStep() {
        try (LanguageModel model = new FakeModel().open();
                Session session = model.newSession()) {
            List<GeneratedToken> tokens =
                    session.stream(
                                    "abc",
                                    GenerationOptions.GREEDY.withMaxTokens(4).withTopLogProbabilities(3))
                            .stream()
                            .toList();
            assertThat(tokens).hasSize(4);
            for (GeneratedToken token : tokens) {
                assertThat(token.alternatives()).hasSize(3);
                TokenProbability first = token.alternatives().getFirst();
                assertThat(first.id()).isEqualTo(token.id());
                assertThat(first.logProbability()).isCloseTo(token.logProbability(), within(1e-5f));
                assertThat(token.alternatives())
                        .isSortedAccordingTo((a, b) -> Float.compare(b.logProbability(), a.logProbability()));
            }
        }
    }

    @Test
    void scoresAreThoseOfTheTokensThatFollow() {
        try (LanguageModel model = new FakeModel().open();
                Session session = model.newSession();
                Session other = model.newSession()) {
            int[] tokens = {5, 9, 3, 7, 7, 1};
            float[] logits = other.evaluate(tokens, true);
            int size = logits.length / tokens.length;
            float[] scores = session.score(tokens);
            assertThat(scores).hasSize(tokens.length);
            assertThat(scores[0]).isNaN();
            for (int i = 1; i < tokens.length; i++) {
                double sum = 0;
                for (int id = 0; id < size; id++) {
                    sum += Math.exp(logits[(i - 1) * size + id]);
                }
                assertThat((double) scores[i])
                        .isCloseTo(logits[(i - 1) * size + tokens[i]] - Math.log(sum), within(1e-4));
            }
            assertThat(session.tokens()).containsExactly(tokens);
            // What follows is scored by what the session holds now.
            assertThat(session.score(new int[] {2})[0]).isNotNaN();
        }
    }
}
