package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.GeneratedToken;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.GenerationStats;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.Speculation;
import dev.nibble.TokenStream;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** On machine code, what is generated with guesses is to the last bit what is generated without, and so is what sessions hold then. */
@Tag("batch-invariance")
@DisabledIf(
        value = "dev.nibble.testdata.ProcessorVectors#areTheUsual",
        disabledReason = "machine code for this processor has vectors of this width without being asked")
@Timeout(300)
class SpeculativeTextsTest {
    private static final int CONTEXT = 200;
    private static final int SESSIONS = 8;
    private static final Speculation LOOKUP = Speculation.lookup();

    @TempDir
    Path folder;

    /** Of few different tokens, so that much of it was there before. */
    static int[] prompt(int seed, int length) {
        return new SplittableRandom(seed).ints(length, 40, 44).toArray();
    }

    private LanguageModel load(String name, DType dtype) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        TinyModels.write(name, 1, dtype, file);
        LanguageModel model =
                LanguageModel.load(file, LoadOptions.DEFAULT.withThreads(2).withContextLength(CONTEXT));
        boolean isMachineCode = model.backendDescription().contains("machine code");
        if (!isMachineCode) {
            model.close();
        }
        assumeTrue(isMachineCode, "no machine code here");
        return model;
    }

    static List<GenerationOptions> options() {
        GenerationOptions greedy = GenerationOptions.GREEDY.withMaxTokens(70).withIgnoreEndOfGeneration(true);
        GenerationOptions random = greedy.withTemperature(1);
        return List.of(
                greedy,
                greedy.withRepeatPenalty(1.2f).withPresencePenalty(0.3f),
                random.withSeed(4).withTopK(3),
                random.withSeed(5).withFrequencyPenalty(-0.5f),
                greedy.withMaxTokens(CONTEXT));
    }

    /** What can be seen of it, and the scores that the session goes on with. */
    record Seen(List<Integer> ids, List<Float> logProbabilities, List<Float> scoresAfter, int drafted) {
        Seen text() {
            return new Seen(ids, logProbabilities, scoresAfter, 0);
        }
    }

    static Seen generate(LanguageModel model, int[] prompt, GenerationOptions options, int most) {
        try (Session session = model.newSession()) {
            TokenStream stream = session.stream(prompt, options);
            List<Integer> ids = new ArrayList<>();
            List<Float> logProbabilities = new ArrayList<>();
            while (ids.size() < most && stream.hasNext()) {
                GeneratedToken token = stream.next();
                ids.add(token.id());
                logProbabilities.add(token.logProbability());
            }
            stream.close();
            List<Float> scores = new ArrayList<>();
            if (session.length() < session.contextLength()) {
                for (float score : session.evaluate(new int[] {7}, false)) {
                    scores.add(score);
                }
            }
            return new Seen(
                    ids, logProbabilities, scores, stream.result().stats().draftedTokens());
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({
        "llama, Q4_0, true",
        "gemma3, Q8_0, true",
        "gpt-oss, Q4_1, true",
        "deepseek2, Q4_0, true",
        "lfm2, Q4_K, false",
        "qwen35, Q8_0, false",
        "granitehybrid, Q4_0, false"
    })
    void areThoseWithout(String name, DType dtype, boolean canGoBack) throws IOException {
        try (LanguageModel model = load(name, dtype)) {
            int drafted = 0;
            for (GenerationOptions options : options()) {
                for (int most : new int[] {CONTEXT, 33}) {
                    Seen plain = generate(model, prompt(most, 60), options.withSpeculation(Speculation.none()), most);
                    assertThat(plain.drafted()).isZero();
                    for (Speculation speculation : List.of(LOOKUP, LOOKUP.withTokens(3), LOOKUP.withTokens(16))) {
                        Seen guessed = generate(model, prompt(most, 60), options.withSpeculation(speculation), most);
                        assertThat(guessed.text())
                                .as("%s with %s", options, speculation)
                                .isEqualTo(plain);
                        drafted += guessed.drafted();
                    }
                }
            }
            assertThat(drafted > 0).isEqualTo(canGoBack);
        }
    }

    @ParameterizedTest(name = "{0} {1}, guessed with seed {2}")
    @CsvSource({"llama, Q4_0, 1", "llama, Q4_0, 2", "gemma3, Q8_0, 1", "gemma3, Q8_0, 2"})
    void areThoseWithoutADraftModel(String name, DType dtype, int seed) throws IOException {
        Path draftFile = folder.resolve("draft.gguf");
        TinyModels.write(name, seed, dtype, draftFile);
        try (LanguageModel draft = LanguageModel.load(
                        draftFile, LoadOptions.DEFAULT.withThreads(2).withContextLength(CONTEXT));
                LanguageModel model = load(name, dtype)) {
            int drafted = 0;
            for (GenerationOptions options : options()) {
                Seen plain = generate(model, prompt(9, 60), options.withSpeculation(Speculation.none()), CONTEXT);
                for (Speculation speculation : List.of(
                        Speculation.draft(draft), Speculation.draft(draft).withTokens(6))) {
                    Seen guessed = generate(model, prompt(9, 60), options.withSpeculation(speculation), CONTEXT);
                    assertThat(guessed.text())
                            .as("%s with %s", options, speculation)
                            .isEqualTo(plain);
                    drafted += guessed.drafted();
                }
                if (seed == 1 && options.equals(options().getFirst())) {
                    try (Session session = model.newSession()) {
                        GenerationStats stats = session.stream(
                                        prompt(9, 60),
                                        options.withSpeculation(
                                                Speculation.draft(draft).withTokens(6)))
                                .result()
                                .stats();
                        assertThat(stats.acceptedTokens())
                                .as("of the same model, all guesses are right")
                                .isEqualTo(stats.draftedTokens())
                                .isGreaterThan(50);
                    }
                }
            }
            assertThat(drafted).isPositive();
        }
    }

    @Test
    void jsonIsTheSameUnderASchema() throws IOException {
        String schema = "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"name\":"
                + "{\"enum\":[\"lamp\",\"lamps\",\"door\"]},\"on\":{\"type\":\"boolean\"}},"
                + "\"required\":[\"name\",\"on\"],\"additionalProperties\":false},\"maxItems\":6}";
        try (LanguageModel model = load("llama", DType.Q4_0)) {
            int drafted = 0;
            for (int seed = 0; seed < 6; seed++) {
                GenerationOptions options = GenerationOptions.DEFAULT
                        .withTemperature(1)
                        .withSeed(seed)
                        .withMaxTokens(130)
                        .withJsonSchema(schema);
                Seen plain = generate(model, prompt(seed, 9), options.withSpeculation(Speculation.none()), CONTEXT);
                Seen guessed = generate(model, prompt(seed, 9), options.withSpeculation(LOOKUP.withTokens(5)), CONTEXT);
                assertThat(guessed.text()).as("seed %d", seed).isEqualTo(plain);
                drafted += guessed.drafted();
            }
            assertThat(drafted).isPositive();
        }
    }

    @Test
    void sessionsGuessBesideEachOtherAndBesideThoseThatDoNot() throws Exception {
        try (LanguageModel model = load("llama", DType.Q4_0)) {
            List<Seen> alone = new ArrayList<>();
            for (int i = 0; i < SESSIONS; i++) {
                alone.add(generate(model, prompt(i, 30), task(i).withSpeculation(Speculation.none()), CONTEXT));
            }
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Future<Seen>> running = new ArrayList<>();
                for (int i = 0; i < SESSIONS; i++) {
                    int number = i;
                    Speculation speculation =
                            i % 4 == 3 ? Speculation.none() : i % 2 == 0 ? LOOKUP.withTokens(2 + i) : LOOKUP;
                    running.add(threads.submit(() ->
                            generate(model, prompt(number, 30), task(number).withSpeculation(speculation), CONTEXT)));
                }
                int drafted = 0;
                for (int i = 0; i < SESSIONS; i++) {
                    Seen seen = running.get(i).get();
                    assertThat(seen.text()).as("session %d", i).isEqualTo(alone.get(i));
                    drafted += seen.drafted();
                }
                assertThat(drafted).isPositive();
            }
        }
    }

    private static GenerationOptions task(int number) {
        return GenerationOptions.DEFAULT
                .withTemperature(number % 2)
                .withTopK(4)
                .withSeed(number)
                .withIgnoreEndOfGeneration(true)
                .withMaxTokens(100);
    }

    @Test
    void forksAndFilesOfASessionInTheMiddleOfGuessesHoldNoneOfThem() throws IOException {
        Path file = folder.resolve("session");
        GenerationOptions options = options().getFirst();
        try (LanguageModel model = load("gemma3", DType.Q8_0)) {
            for (int at = 10; at < 30; at++) {
                int[] prompt = prompt(at, 70);
                List<Integer> expected = generate(model, prompt, options.withSpeculation(Speculation.none()), CONTEXT)
                        .ids();
                try (Session session = model.newSession()) {
                    TokenStream stream = session.stream(prompt, options.withSpeculation(LOOKUP.withTokens(7)));
                    List<Integer> ids = new ArrayList<>();
                    while (ids.size() < at) {
                        ids.add(stream.next().id());
                    }
                    try (Session fork = session.fork()) {
                        assertContinues(fork, options, expected.subList(at, 70));
                    }
                    if (at % 2 == 0) {
                        session.save(file);
                        try (Session restored = model.restore(file)) {
                            assertContinues(restored, options, expected.subList(at, 70));
                        }
                    }
                    stream.forEachRemaining(token -> ids.add(token.id()));
                    assertThat(ids).isEqualTo(expected);
                }
            }
        }
    }

    private static void assertContinues(Session session, GenerationOptions options, List<Integer> expected) {
        Generation generation = session.generate(
                "", options.withSpeculation(LOOKUP.withTokens(4)).withMaxTokens(expected.size()));
        assertThat(generation.tokens())
                .isEqualTo(expected.stream().mapToInt(Integer::intValue).toArray());
    }

    @Test
    void whatIsKeptForOtherSessionsHoldsNoGuess() throws IOException {
        GenerationOptions options = options().getFirst();
        try (LanguageModel model = load("llama", DType.Q4_0)) {
            for (int most = 20; most < 30; most++) {
                int[] prompt = prompt(most, 40);
                Seen plain = generate(model, prompt, options.withSpeculation(Speculation.none()), most);
                for (int again = 0; again < 2; again++) { // the second one takes over what the first one left
                    assertThat(generate(model, prompt, options.withSpeculation(LOOKUP.withTokens(9)), most)
                                    .text())
                            .isEqualTo(plain);
                }
            }
        }
    }
}
