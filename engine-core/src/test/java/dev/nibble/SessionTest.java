package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a session holds, and that nothing is evaluated twice. */
class SessionTest {
    private static final GenerationOptions FIVE = GenerationOptions.GREEDY.withMaxTokens(5);
    private final FakeModel fake = new FakeModel();
    private final LanguageModel model = fake.open();
    private final Session session = model.newSession();

    @AfterEach
    void close() {
        model.close();
    }

    @Test
    void aSessionContinuesAndEvaluatesNothingTwice() {
        Generation first = session.generate("hello", FIVE);
        assertThat(session.length()).isEqualTo(6 + 5);
        assertThat(fake.pass.evaluatedRows).hasValue(6 + 4); // the last token is pending
        Generation second = session.generate(" and more", FIVE);
        assertThat(fake.pass.evaluatedRows).hasValue(6 + 5 + 9 + 4);
        assertThat(second.stats().promptTokens()).isEqualTo(9);

        int[] expected = IntStream.of(session.tokens()).toArray();
        Session other = model.newSession();
        int[] prompt = Arrays.copyOf(expected, 6 + 5 + 9);
        assertThat(other.stream(prompt, FIVE).result().tokens()).isEqualTo(second.tokens());
        assertThat(first.tokens()).isEqualTo(Arrays.copyOfRange(prompt, 6, 11));
    }

    @Test
    void anEmptyPromptContinuesWhatIsThere() {
        int[] whole = session.generate("hello", FIVE.withMaxTokens(10)).tokens();
        session.reset();
        assertThat(session.generate("hello", FIVE).tokens()).isEqualTo(Arrays.copyOf(whole, 5));
        assertThat(session.generate("", FIVE).tokens()).isEqualTo(Arrays.copyOfRange(whole, 5, 10));
    }

    @Test
    void nothingToContinueIsAnError() {
        assertThatThrownBy(() -> session.stream(new int[0], FIVE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("nothing to continue");
    }

    @Test
    void aPromptThatDoesNotFitChangesNothing() {
        session.generate("hello", FIVE);
        int evaluated = fake.pass.evaluatedRows.get();
        int[] before = session.tokens();
        assertThatThrownBy(() -> session.stream("x".repeat(190), FIVE))
                .isInstanceOfSatisfying(ContextOverflowException.class, e -> {
                    assertThat(e.tokens()).isEqualTo(190);
                    assertThat(e.available()).isEqualTo(189);
                })
                .hasMessageContaining("the prompt has 190 tokens, but only 189 of the 200 of the context are left");
        assertThatThrownBy(() -> session.evaluate(new int[190], false)).isInstanceOf(ContextOverflowException.class);
        assertThat(session.tokens()).isEqualTo(before);
        assertThat(fake.pass.evaluatedRows).hasValue(evaluated);
    }

    @Test
    void thePromptsProgressIsTold() {
        int rows = fake.pass.maxBatchRows();
        int tokens = 2 * rows + 3;
        List<String> told = new ArrayList<>();
        GenerationOptions options = FIVE.withPromptProgress((evaluated, total) -> told.add(evaluated + " of " + total));
        Session large = model.newSession(SessionOptions.DEFAULT.withContextLength(tokens + 10));
        large.stream(IntStream.range(0, tokens).map(i -> i % 7).toArray(), options)
                .result();
        assertThat(told).containsExactly(rows + " of " + tokens, 2 * rows + " of " + tokens, tokens + " of " + tokens);
        large.evaluate(new int[] {1, 2}, false); // nobody asked to be told of it
        assertThat(told).hasSize(3);
    }

    @Test
    void aPromptIsCancelledBetweenItsParts() {
        int rows = fake.pass.maxBatchRows();
        Session large = model.newSession(SessionOptions.DEFAULT.withContextLength(4 * rows));
        GenerationOptions options = FIVE.withPromptProgress((evaluated, total) -> large.cancel());
        Generation generation = large.stream(new int[3 * rows], options).result();
        assertThat(generation.finishReason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(fake.pass.evaluatedRows).hasValue(rows);
    }

    @Test
    void aStreamThatIsNeverReadChangesNothing() {
        session.generate("hello", FIVE);
        int[] before = session.tokens();
        TokenStream unread = session.stream(" unread", FIVE);
        assertThat(session.length()).isEqualTo(before.length + 7);
        unread.close();
        assertThat(session.tokens()).isEqualTo(before);
        assertThat(unread.result().finishReason()).isEqualTo(FinishReason.CANCELLED);
    }

    @Test
    void theNextCallEndsAnAbandonedStream() {
        TokenStream abandoned = session.stream("hello", FIVE);
        GeneratedToken first = abandoned.next();
        session.generate(" more", FIVE);
        assertThat(abandoned.hasNext()).isFalse();
        Generation result = abandoned.result();
        assertThat(result.finishReason()).isEqualTo(FinishReason.CANCELLED);
        assertThat(result.tokens()).containsExactly(first.id());
        assertThat(session.length()).isEqualTo(6 + 1 + 5 + 5);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void truncateGoesBack(boolean canTruncate) {
        fake.pass.canTruncate = canTruncate;
        session.generate("hello", FIVE);
        int evaluated = fake.pass.evaluatedRows.get();
        session.truncate(6);
        assertThat(session.length()).isEqualTo(6);
        Generation again = session.generate(" world", FIVE);
        assertThat(again.tokens())
                .isEqualTo(model.newSession().generate("hello world", FIVE).tokens());
        int rows = (canTruncate ? 6 : 12) + 4; // a model that cannot go back evaluates all again
        assertThat(fake.pass.evaluatedRows).hasValue(evaluated + rows + 12 + 4);
        assertThatThrownBy(() -> session.truncate(100))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("length must be from 0 to the 17 tokens of the session, not 100");
        assertThatThrownBy(() -> session.truncate(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void truncatingToWhatIsEvaluatedStillGivesTheNextToken(boolean canTruncate) {
        fake.pass.canTruncate = canTruncate;
        int[] first = session.generate("hello", FIVE).tokens();
        session.truncate(6);
        assertThat(session.generate("", FIVE).tokens()).isEqualTo(first);
    }

    @Test
    void afterTruncateTheLogitsOfForgottenTokensAreNotUsed() {
        session.evaluate(new int[] {1, 2, 3}, false);
        session.truncate(2);
        int[] tokens = session.stream(new int[] {9}, FIVE).result().tokens();
        assertThat(tokens)
                .isEqualTo(model.newSession().stream(new int[] {1, 2, 9}, FIVE)
                        .result()
                        .tokens());
    }

    @Test
    void evaluateGivesTheLogitsOfEveryTokenAcrossBatches() {
        int[] tokens = IntStream.range(40, 60).toArray();
        float[] all = session.evaluate(tokens, true);
        assertThat(all).hasSize(20 * ByteTokenizer.SIZE);
        Session oneByOne = model.newSession();
        for (int i = 0; i < tokens.length; i++) {
            assertThat(oneByOne.evaluate(new int[] {tokens[i]}, false))
                    .as("row %s", i)
                    .isEqualTo(Arrays.copyOfRange(all, i * ByteTokenizer.SIZE, (i + 1) * ByteTokenizer.SIZE));
        }
        assertThat(session.tokens()).isEqualTo(tokens);
        int evaluated = fake.pass.evaluatedRows.get();
        session.generate("", FIVE.withMaxTokens(1)); // the logits are still there
        assertThat(fake.pass.evaluatedRows).hasValue(evaluated);
    }

    @Test
    void evaluateTakesPendingTokensAlong() {
        session.generate("hello", FIVE);
        int[] held = session.tokens();
        float[] logits = session.evaluate(new int[] {'x'}, true);
        assertThat(logits).hasSize(ByteTokenizer.SIZE);
        int[] all = Arrays.copyOf(held, held.length + 1);
        all[held.length] = 'x';
        assertThat(logits).isEqualTo(model.newSession().evaluate(all, false));
    }

    @Test
    void tokensMustBeInTheVocabulary() {
        assertThatThrownBy(() -> session.evaluate(new int[] {1, 260}, false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("token 260 at index 1 is not in the vocabulary, whose ids are 0 to 259");
        assertThatThrownBy(() -> session.stream(new int[] {-1}, FIVE)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> session.evaluate(new int[0], false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("tokens must not be empty");
        assertThat(session.length()).isZero();
    }

    @Test
    void bosComesOnceAndOnlyAtTheStart() {
        session.generate("<s>hi", FIVE);
        assertThat(session.tokens()).startsWith(ByteTokenizer.BOS, 'h', 'i');
        session.stream("more", FIVE.withMaxTokens(0)).result();
        assertThat(IntStream.of(session.tokens()).filter(id -> id == ByteTokenizer.BOS))
                .hasSize(1);
    }
}
