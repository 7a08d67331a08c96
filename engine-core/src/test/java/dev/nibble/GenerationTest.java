package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;

/** What a generation gives, and why it ends. */
class GenerationTest {
    private static final GenerationOptions GREEDY = GenerationOptions.GREEDY;
    private static final int PROMPT = 4; // "abc" and BOS

    @Test
    void aStreamNeverSplitsACharacterAndItsTextsJoinToTheText() {
        String text = "héllo 😀 wörld – 日本";
        try (LanguageModel model = new FakeModel().continuing(PROMPT, text).open();
                Session session = model.newSession();
                TokenStream stream = session.stream("abc", GREEDY)) {
            StringBuilder joined = new StringBuilder();
            for (GeneratedToken token : stream) {
                assertThat(token.text()).doesNotContain("\uFFFD");
                assertThat(token.text().codePoints()).noneMatch(c -> Character.getType(c) == Character.SURROGATE);
                joined.append(token.text());
            }
            assertThat(joined).hasToString(text);
            assertThat(stream.result().text()).isEqualTo(text);
            assertThat(stream.result().finishReason()).isEqualTo(FinishReason.STOP_TOKEN);
        }
    }

    @Test
    void aStopStringNeverLeaksAndWhatOnlyLooksLikeOneComesLater() {
        try (LanguageModel model =
                        new FakeModel().continuing(PROMPT, "aSTOxSTOPdef").open();
                Session session = model.newSession();
                TokenStream stream = session.stream("abc", GREEDY.withStop("STOP", "never"))) {
            List<String> texts = new ArrayList<>();
            stream.forEach(token -> texts.add(token.text()));
            assertThat(texts).containsExactly("a", "", "", "", "STOx", "", "", "", "");
            Generation generation = stream.result();
            assertThat(generation.text()).isEqualTo("aSTOx");
            assertThat(generation.finishReason()).isEqualTo(FinishReason.STOP_STRING);
            assertThat(generation.tokens()).hasSize(9);
            assertThat(session.length()).isEqualTo(PROMPT + 9);
        }
    }

    @Test
    void whatWasHeldBackComesAtTheEnd() {
        FakeModel fake = new FakeModel().continuing(PROMPT, "abST");
        GenerationOptions options = GREEDY.withStop("STOP");
        assertThat(generate(fake, options).text()).isEqualTo("abST");
        assertThat(generate(fake, options.withMaxTokens(3)).text()).isEqualTo("abS");
        fake.contextLength = PROMPT + 4;
        Generation full = generate(fake, options);
        assertThat(full.text()).isEqualTo("abST");
        assertThat(full.finishReason()).isEqualTo(FinishReason.CONTEXT_FULL);
    }

    @Test
    void halfACharacterAtTheEndIsReplaced() {
        FakeModel fake = new FakeModel().continuing(PROMPT, "aé");
        assertThat(generate(fake, GREEDY.withMaxTokens(2)).text()).isEqualTo("a\uFFFD");
    }

    @Test
    void theEndOfGenerationTokenIsReportedButNotKept() {
        try (LanguageModel model = new FakeModel().continuing(PROMPT, "xy").open();
                Session session = model.newSession()) {
            Generation generation = session.generate("abc", GREEDY);
            assertThat(generation.tokens()).containsExactly((int) 'x', (int) 'y', ByteTokenizer.EOS);
            assertThat(session.tokens()).containsExactly(ByteTokenizer.BOS, 'a', 'b', 'c', 'x', 'y');
            assertThat(generation.stats().generatedTokens()).isEqualTo(3);
        }
    }

    @Test
    void endTokensCanBeIgnored() {
        Generation generation = generate(
                new FakeModel().continuing(PROMPT, "xy"),
                GREEDY.withIgnoreEndOfGeneration(true).withMaxTokens(5));
        assertThat(generation.text()).isEqualTo("xy");
        assertThat(generation.tokens()).endsWith(ByteTokenizer.EOS, ByteTokenizer.EOS, ByteTokenizer.EOS);
        assertThat(generation.finishReason()).isEqualTo(FinishReason.MAX_TOKENS);
    }

    @Test
    void maxTokens() {
        FakeModel fake = new FakeModel();
        Generation generation = generate(fake, GREEDY.withMaxTokens(7));
        assertThat(generation.tokens()).hasSize(7);
        assertThat(generation.finishReason()).isEqualTo(FinishReason.MAX_TOKENS);
        Generation none = generate(fake, GREEDY.withMaxTokens(0));
        assertThat(none.tokens()).isEmpty();
        assertThat(none.finishReason()).isEqualTo(FinishReason.MAX_TOKENS);
        assertThat(none.stats().promptTokens()).isEqualTo(PROMPT);
    }

    @Test
    void theContextBecomesFull() {
        FakeModel fake = new FakeModel();
        fake.contextLength = 20;
        Generation generation = generate(fake, GREEDY);
        assertThat(generation.tokens()).hasSize(20 - PROMPT);
        assertThat(generation.finishReason()).isEqualTo(FinishReason.CONTEXT_FULL);
    }

    @Test
    void aPromptThatFillsTheContextLeavesNoRoomForAnswers() {
        FakeModel fake = new FakeModel();
        fake.contextLength = PROMPT;
        Generation generation = generate(fake, GREEDY);
        assertThat(generation.tokens()).isEmpty();
        assertThat(generation.finishReason()).isEqualTo(FinishReason.CONTEXT_FULL);
    }

    @Test
    void thesameSeedGivesTheSameText() {
        GenerationOptions options = GenerationOptions.DEFAULT.withSeed(5).withMaxTokens(50);
        FakeModel fake = new FakeModel();
        int[] tokens = generate(fake, options).tokens();
        assertThat(generate(fake, options).tokens()).isEqualTo(tokens);
        assertThat(generate(fake, options.withSeed(6)).tokens()).isNotEqualTo(tokens);
        GenerationOptions random = GenerationOptions.DEFAULT.withMaxTokens(50);
        assertThat(generate(fake, random).tokens())
                .isNotEqualTo(generate(fake, random).tokens());
    }

    @Test
    void theFileSetsWhatTheUserDidNot() {
        FakeModel fake = new FakeModel();
        int[] greedy = generate(fake, GREEDY.withMaxTokens(30)).tokens();
        fake.metadata.put("general.sampling.temp", 0.0);
        GenerationOptions options = GenerationOptions.DEFAULT.withMaxTokens(30).withSeed(3);
        assertThat(generate(fake, options).tokens()).isEqualTo(greedy);
        assertThat(generate(fake, options.withTemperature(1)).tokens()).isNotEqualTo(greedy);
        fake.metadata.put("general.sampling.top_p", 7.0);
        assertThatThrownBy(fake::open)
                .isInstanceOf(ModelFormatException.class)
                .hasMessage("fake.gguf: general.sampling.top_p: topP must be from 0.0 to 1.0, not 7.0");
    }

    @Test
    void suppressedTokensAreNeverGenerated() {
        FakeModel fake = new FakeModel().continuing(PROMPT, "xxx");
        fake.tokenizer = new ByteTokenizer(true, 'x');
        assertThat(generate(fake, GREEDY.withMaxTokens(3)).tokens()).doesNotContain((int) 'x');
        assertThat(generate(fake, GREEDY.withMaxTokens(3).withLogitBias(Map.of((int) 'x', 50f)))
                        .tokens())
                .doesNotContain((int) 'x');
    }

    @Test
    void statisticsCountTokensAndTime() {
        GenerationStats stats =
                generate(new FakeModel(), GREEDY.withMaxTokens(10)).stats();
        assertThat(stats.promptTokens()).isEqualTo(PROMPT);
        assertThat(stats.cachedTokens()).isZero();
        assertThat(stats.generatedTokens()).isEqualTo(10);
        assertThat(stats.promptTime()).isPositive().isLessThanOrEqualTo(stats.timeToFirstToken());
        assertThat(stats.generationTime()).isPositive();
        assertThat(stats.promptTokensPerSecond()).isPositive();
        assertThat(stats.generationTokensPerSecond()).isPositive();
    }

    @Test
    void afterTheEndThereIsNoToken() {
        try (LanguageModel model = new FakeModel().open();
                Session session = model.newSession();
                TokenStream stream = session.stream("abc", GREEDY.withMaxTokens(1))) {
            stream.next();
            assertThat(stream.hasNext()).isFalse();
            assertThatThrownBy(stream::next).isInstanceOf(NoSuchElementException.class);
        }
    }

    private static Generation generate(FakeModel fake, GenerationOptions options) {
        LanguageModel model = fake.open();
        Session session = model.newSession();
        return session.generate("abc", options); // not closed: the fakes are used again
    }
}
