package dev.nibble.testdata;

import static dev.nibble.testdata.SpeculativeTextsTest.generate;
import static dev.nibble.testdata.SpeculativeTextsTest.options;
import static dev.nibble.testdata.SpeculativeTextsTest.prompt;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.GenerationOptions;
import dev.nibble.GenerationStats;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.Speculation;
import dev.nibble.UnsupportedModelException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.testdata.SpeculativeTextsTest.Seen;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** On machine code, what is generated while the model's own block for later tokens guesses is to the last bit what is without. */
@Tag("batch-invariance")
@DisabledIf(
        value = "dev.nibble.testdata.ProcessorVectors#areTheUsual",
        disabledReason = "machine code for this processor has vectors of this width without being asked")
@Timeout(300)
class PredictedTextsTest {
    private static final int CONTEXT = 200;
    private static final Speculation PREDICTION = Speculation.prediction();

    @TempDir
    Path folder;

    private static LanguageModel load(Path file, int context) throws IOException {
        LanguageModel model =
                LanguageModel.load(file, LoadOptions.DEFAULT.withThreads(2).withContextLength(context));
        boolean isMachineCode = model.backendDescription().contains("machine code");
        if (!isMachineCode) {
            model.close();
        }
        assumeTrue(isMachineCode, "no machine code here");
        return model;
    }

    private LanguageModel load(String name, DType dtype) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        TinyModels.write(name, 1, dtype, file);
        return load(file, CONTEXT);
    }

    private static int assertSame(LanguageModel model) {
        int drafted = 0;
        for (GenerationOptions options : options()) {
            for (int most : new int[] {CONTEXT, 33}) {
                Seen plain = generate(model, prompt(most, 60), options.withSpeculation(Speculation.none()), most);
                for (Speculation speculation :
                        List.of(PREDICTION, PREDICTION.withTokens(1), PREDICTION.withTokens(5))) {
                    Seen guessed = generate(model, prompt(most, 60), options.withSpeculation(speculation), most);
                    assertThat(guessed.text())
                            .as("%s with %s", options, speculation)
                            .isEqualTo(plain);
                    drafted += guessed.drafted();
                }
            }
        }
        return drafted;
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({"glm4moe-mtp, Q4_0, true", "glm4moe-mtp, Q8_0, true", "qwen35-mtp, Q8_0, false"})
    void areThoseWithout(String name, DType dtype, boolean canGoBack) throws IOException {
        try (LanguageModel model = load(name, dtype)) {
            assertThat(assertSame(model) > 0).isEqualTo(canGoBack);
        }
    }

    /** Blocks with windows, latent attention, indexers, dense and parallel parts, and states from before the output norm. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "bailingmoe2",
                "cohere2moe",
                "deepseek2-v3",
                "deepseek32-sparse",
                "exaone-moe",
                "exaone4",
                "glm-dsa",
                "glm4moe-nextn",
                "hy_v3",
                "mimo2"
            })
    void areThoseWithoutOfTheReferences(String name) throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        try (LanguageModel model = load(Conformance.path("archs2/" + name + ".gguf"), CONTEXT)) {
            assertThat(assertSame(model)).isPositive();
        }
    }

    /**
     * Each token follows from the one before alone, as the layers add nothing, and the block passes on the embedding of the token it
     * reads: so its guesses are right.
     */
    private Path rightGuesses() throws IOException {
        Path file = folder.resolve("right.gguf");
        try (GgufFile base = HostileModel.open("glm4moe-mtp", folder)) {
            HostileModel model = new HostileModel(base);
            for (String name : model.tensorNames()) {
                if (name.matches("blk\\..*(attn_output|ffn_down|ffn_down_exps|ffn_down_shexp)\\.weight")) {
                    model.fill(name, 0);
                } else if (name.matches(".*nextn\\.(embed_tokens|shared_head_head|shared_head_norm)\\.weight")) {
                    model.removeTensor(name);
                }
            }
            String projection = "blk.2.nextn.eh_proj.weight";
            int hidden = (int) model.tensor(projection).rows();
            float[] identity = new float[2 * hidden * hidden];
            float[] ones = new float[hidden];
            for (int i = 0; i < hidden; i++) {
                identity[2 * i * hidden + i] = 1;
                ones[i] = 1;
            }
            put(model, projection, identity, 2L * hidden, hidden);
            put(model, "blk.2.nextn.enorm.weight", ones, hidden);
            model.set("%s.context_length", 8192);
            model.write(file);
        }
        return file;
    }

    private static void put(HostileModel model, String name, float[] values, long... dims) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[Float.BYTES * values.length]);
        MemorySegment.copy(values, 0, bytes, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
        model.putTensor(name, DType.F32, Shape.of(dims), bytes);
    }

    private static GenerationStats stats(Session session, int[] prompt, int tokens, Speculation speculation) {
        GenerationOptions options = GenerationOptions.GREEDY
                .withMaxTokens(tokens)
                .withIgnoreEndOfGeneration(true)
                .withSpeculation(speculation);
        return session.stream(prompt, options).result().stats();
    }

    @Test
    void guessesOfABlockThatIsRightAreRight() throws IOException {
        try (LanguageModel model = load(rightGuesses(), CONTEXT);
                Session session = model.newSession()) {
            for (int turn = 0; turn < 3; turn++) { // goes on with what it knows of the text
                GenerationStats stats = stats(session, prompt(turn, 20), 40, PREDICTION.withTokens(4));
                assertThat(stats.draftedTokens()).isGreaterThan(25);
                assertThat(stats.acceptedTokens()).isEqualTo(stats.draftedTokens());
            }
        }
    }

    /** Of a prompt the last states are known, and what is remembered of a text has an end. */
    @Test
    void aLongTextIsFollowedFromItsLastTokensOn() throws IOException {
        try (LanguageModel model = load(rightGuesses(), 6000);
                Session session = model.newSession()) {
            GenerationStats stats = stats(session, prompt(1, 700), 4200, PREDICTION.withTokens(15));
            assertThat(stats.draftedTokens()).isGreaterThan(3500);
            assertThat(stats.acceptedTokens()).isEqualTo(stats.draftedTokens());
        }
    }

    @Test
    void aSessionMayChangeWhoGuessesAndGoBack() throws IOException {
        try (LanguageModel model = load("glm4moe-mtp", DType.Q8_0);
                LanguageModel draft = load("glm4moe", DType.Q8_0);
                Session session = model.newSession();
                Session plain = model.newSession()) {
            List<Speculation> turns = List.of(
                    PREDICTION.withTokens(3),
                    Speculation.lookup(),
                    PREDICTION.withTokens(2),
                    Speculation.draft(draft),
                    PREDICTION);
            for (int turn = 0; turn < turns.size(); turn++) {
                GenerationOptions options =
                        GenerationOptions.GREEDY.withMaxTokens(15).withIgnoreEndOfGeneration(true);
                int[] prompt = prompt(turn, 10);
                assertThat(session.stream(prompt, options.withSpeculation(turns.get(turn)))
                                .result()
                                .tokens())
                        .as("turn %d", turn)
                        .isEqualTo(plain.stream(prompt, options.withSpeculation(Speculation.none()))
                                .result()
                                .tokens());
                session.truncate(session.length() - 4);
                plain.truncate(plain.length() - 4);
            }
            try (Session fork = session.fork();
                    Session plainFork = plain.fork()) {
                assertThat(stats(fork, prompt(9, 10), 30, PREDICTION.withTokens(3))
                                .draftedTokens())
                        .isPositive();
                stats(plainFork, prompt(9, 10), 30, Speculation.none());
                assertThat(fork.evaluate(new int[] {7}, false)).isEqualTo(plainFork.evaluate(new int[] {7}, false));
            }
        }
    }

    @Test
    void aFileWithoutSuchABlockIsNamed() throws IOException {
        try (LanguageModel model = load("glm4moe", DType.F32);
                Session session = model.newSession()) {
            assertThatThrownBy(() -> stats(session, prompt(1, 5), 3, PREDICTION))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining("glm4moe.gguf: the file has no blocks that predict further tokens");
            assertThat(stats(session, prompt(1, 5), 3, Speculation.lookup()).generatedTokens())
                    .isEqualTo(3);
        }
    }
}
