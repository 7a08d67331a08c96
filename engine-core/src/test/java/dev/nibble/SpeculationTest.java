package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.sampling.LogitsProcessor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** What is guessed ahead changes how often the model is evaluated, and nothing else. */
class SpeculationTest {
    private static final GenerationOptions GREEDY = GenerationOptions.GREEDY;
    private static final Speculation LOOKUP = Speculation.lookup().withTokens(5);
    private static final String REPEATED = "one two three, one two three, one two four, one two three; two three, one";
    private static final int PROMPT = 4; // "abc" and BOS

    private static FakeModel repeating() {
        return new FakeModel().continuing(PROMPT, REPEATED);
    }

    /** What can be seen of a generation and of its session afterwards. */
    private record Seen(
            List<Integer> ids,
            List<String> texts,
            List<Float> logProbabilities,
            String text,
            FinishReason reason,
            List<Integer> session,
            List<Integer> next) {}

    private static List<Integer> list(int[] tokens) {
        return Arrays.stream(tokens).boxed().toList();
    }

    /** @param most tokens that are read before the stream is closed */
    private static Seen see(FakeModel fake, GenerationOptions options, int most) {
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            List<Integer> ids = new ArrayList<>();
            List<String> texts = new ArrayList<>();
            List<Float> logProbabilities = new ArrayList<>();
            TokenStream stream = session.stream("abc", options);
            while (ids.size() < most && stream.hasNext()) {
                GeneratedToken token = stream.next();
                ids.add(token.id());
                texts.add(token.text());
                logProbabilities.add(token.logProbability());
                int held = token.id() == ByteTokenizer.EOS ? ids.size() - 1 : ids.size();
                assertThat(session.length()).isEqualTo(PROMPT + held);
            }
            stream.close();
            Generation generation = stream.result();
            List<Integer> tokens = list(session.tokens());
            boolean full = session.length() == session.contextLength();
            List<Integer> next = full
                    ? List.of()
                    : list(session.generate("", options.withMaxTokens(7).withStop())
                            .tokens());
            return new Seen(ids, texts, logProbabilities, generation.text(), generation.finishReason(), tokens, next);
        } finally {
            fake.pass.closed = false; // the fakes are used again
        }
    }

    private static void assertSame(FakeModel fake, GenerationOptions options, int most) {
        Seen plain = see(fake, options.withSpeculation(Speculation.none()), most);
        for (int tokens : new int[] {1, 3, 5, 16}) {
            Speculation speculation = Speculation.lookup().withTokens(tokens);
            assertThat(see(fake, options.withSpeculation(speculation), most))
                    .as(speculation.toString())
                    .isEqualTo(plain);
        }
    }

    private static Generation generate(FakeModel fake, GenerationOptions options) {
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            return session.generate("abc", options);
        } finally {
            fake.pass.closed = false;
        }
    }

    @Test
    void repeatedTextIsEvaluatedSeveralTokensAtATime() {
        FakeModel fake = repeating();
        Generation generation = generate(fake, GREEDY.withSpeculation(LOOKUP));
        GenerationStats stats = generation.stats();
        assertThat(generation.text()).isEqualTo(REPEATED);
        assertThat(stats.acceptedTokens()).isGreaterThan(25).isLessThanOrEqualTo(stats.draftedTokens());
        assertThat(fake.pass.evaluations)
                .isEqualTo(stats.generatedTokens() - stats.acceptedTokens())
                .isLessThan(45);
        assertThat(generate(repeating(), GREEDY.withSpeculation(Speculation.none()))
                        .stats()
                        .draftedTokens())
                .isZero();
    }

    @Test
    void nothingIsGuessedUnaskedWhereBitsDependOnWhatIsEvaluatedTogether() {
        assertThat(generate(repeating(), GREEDY).stats().draftedTokens()).isZero();
    }

    @Test
    void eachTokenIsWhatItWouldBeAlone() {
        assertSame(repeating(), GREEDY, 100);
        assertSame(repeating(), GREEDY.withRepeatPenalty(1.3f).withFrequencyPenalty(0.4f), 100);
        GenerationOptions random = GenerationOptions.DEFAULT.withTemperature(1).withMaxTokens(90);
        for (int seed = 0; seed < 8; seed++) {
            assertSame(new FakeModel(), random.withSeed(seed).withTopK(2), 100);
            assertSame(repeating(), random.withSeed(seed), 100);
        }
    }

    @Test
    void alternativesAreThoseOfEachToken() {
        Function<Speculation, List<List<TokenProbability>>> alternatives = speculation -> {
            try (LanguageModel model = repeating().open();
                    Session session = model.newSession()) {
                return session.stream("abc", GREEDY.withTopLogProbabilities(3).withSpeculation(speculation)).stream()
                        .map(GeneratedToken::alternatives)
                        .toList();
            }
        };
        assertThat(alternatives.apply(LOOKUP)).isEqualTo(alternatives.apply(Speculation.none()));
    }

    @Test
    void limitsEndItWithinWhatWasGuessed() {
        for (int tokens = 0; tokens < 40; tokens += 3) {
            assertSame(repeating(), GREEDY.withMaxTokens(tokens), 100);
        }
        for (int length = PROMPT + 12; length < PROMPT + 40; length += 3) {
            FakeModel fake = repeating();
            fake.contextLength = length;
            assertSame(fake, GREEDY, 100);
        }
    }

    @Test
    void stopStringsEndItWithinWhatWasGuessed() {
        for (String stop : List.of("three, one two f", "four", "wo t", "three;", "e")) {
            assertSame(repeating(), GREEDY.withStop(stop), 100);
        }
    }

    @Test
    void aStreamCanBeClosedWithinWhatWasGuessed() {
        for (int most = 1; most < 40; most += 3) {
            assertSame(repeating(), GREEDY, most);
        }
    }

    @Test
    void aCancellationComesWithinWhatWasGuessed() {
        try (LanguageModel model = repeating().open();
                Session session = model.newSession()) {
            TokenStream stream = session.stream("abc", GREEDY.withSpeculation(LOOKUP));
            for (int i = 0; i < 25; i++) {
                stream.next();
            }
            session.cancel();
            assertThat(stream.hasNext()).isFalse();
            assertThat(stream.result().finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(session.length()).isEqualTo(PROMPT + 25);
            session.truncate(PROMPT + 20);
            assertThat(session.generate("", GREEDY.withSpeculation(LOOKUP)).text())
                    .isEqualTo(REPEATED.substring(20));
        }
    }

    @Test
    void constraintsHoldAndForcedTextComesAsWithout() {
        String json = "{\"a\":[\"lamp\",\"lamp\",\"lamp\",\"lamps\"],\"b\":[\"lamp\",\"lamp\"]}";
        String list = "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}";
        String schema = "{\"type\":\"object\",\"properties\":{\"a\":" + list + ",\"b\":" + list
                + "},\"required\":[\"a\",\"b\"],\"additionalProperties\":false}";
        GenerationOptions options = GREEDY.withJsonSchema(schema);
        assertSame(new FakeModel().continuing(PROMPT, json), options, 200);
        assertSame(new FakeModel(), options.withTemperature(1).withSeed(3).withMaxTokens(80), 200);
        assertThat(generate(new FakeModel().continuing(PROMPT, json), options.withSpeculation(LOOKUP))
                        .stats()
                        .acceptedTokens())
                .isPositive();
    }

    @Test
    void processorsAreAskedOnceForEachTokenInTheirOrder() {
        Function<Speculation, List<List<Integer>>> asked = speculation -> {
            List<List<Integer>> calls = new ArrayList<>();
            LogitsProcessor processor = (logits, tokens, count) ->
                    calls.add(Arrays.stream(tokens, 0, count).boxed().toList());
            generate(
                    repeating(), GREEDY.withLogitsProcessors(List.of(processor)).withSpeculation(speculation));
            return calls;
        };
        assertThat(asked.apply(LOOKUP)).isEqualTo(asked.apply(Speculation.none()));
    }

    @Test
    void whereASequenceCannotGoBackTheTextIsTheSameAndNoMoreIsGuessed() {
        FakeModel fake = repeating();
        fake.pass.canTruncate = false;
        assertSame(fake, GREEDY, 100);
        Generation generation =
                generate(fake, GREEDY.withSpeculation(Speculation.lookup().withTokens(16)));
        assertThat(generation.stats().draftedTokens()).isBetween(1, 32);
    }

    @Test
    void aModelThatChoosesItselfHandsOutTheScoresOfGuesses() {
        FakeModel fake = repeating();
        fake.pass.canChoose = true;
        Generation generation = generate(fake, GREEDY.withSpeculation(LOOKUP));
        assertThat(generation.text()).isEqualTo(REPEATED);
        assertThat(generation.stats().acceptedTokens()).isPositive();
    }

    @Test
    void tokensThatEndTheGenerationAreNotGuessed() {
        FakeModel fake = new FakeModel();
        fake.pass.next = tokens -> "abc".charAt(tokens.size() % 3);
        List<Integer> rows = new ArrayList<>();
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            session.evaluate(new int[] {'b', 'c', 'a', 'b', ByteTokenizer.EOS, 'c'}, false);
            fake.pass.onBatch = batch -> {
                for (int row = 0; row < batch.size(); row++) {
                    rows.add(batch.token(row));
                }
            };
            GenerationStats stats = session.generate("", GREEDY.withMaxTokens(9).withSpeculation(LOOKUP))
                    .stats();
            assertThat(stats.draftedTokens()).isPositive();
            assertThat(rows).isNotEmpty().doesNotContain(ByteTokenizer.EOS);
        }
    }

    @Test
    void guessesAreCountedAsGeneratedOnlyIfTheyWereRight() {
        try (LanguageModel model = repeating().open();
                Session session = model.newSession()) {
            Generation generation = session.generate("abc", GREEDY.withSpeculation(LOOKUP));
            session.generate("", GREEDY.withMaxTokens(2));
            assertThat(model.stats().generatedTokens())
                    .isBetween(
                            generation.stats().generatedTokens() - 2L,
                            generation.stats().generatedTokens() + 2L);
        }
    }

    @Test
    void optionsSayWhatTheyAre() {
        assertThat(GREEDY.speculation()).isEmpty();
        assertThat(GREEDY.withSpeculation(LOOKUP).speculation()).contains(LOOKUP);
        assertThat(GREEDY.withSpeculation(LOOKUP))
                .hasToString("GenerationOptions[temperature=0.0, speculation=Optional[lookup of 5]]");
        assertThat(LOOKUP).isEqualTo(Speculation.lookup().withTokens(5)).isNotEqualTo(Speculation.lookup());
        assertThat(LOOKUP).hasSameHashCodeAs(Speculation.lookup().withTokens(5));
        for (int wrong : new int[] {-1, 0, 17}) {
            assertThatThrownBy(() -> Speculation.lookup().withTokens(wrong))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("tokens of a speculation must be 1 to 16, not " + wrong);
        }
    }
}
