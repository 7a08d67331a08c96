package dev.nibble.testdata;

import static dev.nibble.testdata.Evaluation.nmse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.ContextOverflowException;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.UnsupportedModelException;
import dev.nibble.chat.ChatMessage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Diffusion models: scores of whole texts, in which each token sees all others, and nothing that goes on with a text. */
class DiffusionModelTest {
    private static final int[] TEXT =
            IntStream.range(0, 40).map(i -> 32 + (i * 37 + 5) % 90).toArray();

    @TempDir
    Path folder;

    private Path file(String name) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        TinyEncoders.write(name, 1, file);
        return file;
    }

    private static float[] rows(float[] logits, int from, int to) {
        return Arrays.copyOfRange(logits, from * 288, to * 288);
    }

    @ParameterizedTest
    @ValueSource(strings = {"llada", "llada-moe", "dream", "rnd1"})
    void eachTokenSeesAllOthers(String name) throws IOException {
        try (LanguageModel model = LanguageModel.load(file(name), LoadOptions.EXACT);
                Session session = model.newSession()) {
            float[] whole = session.evaluate(TEXT, true);
            int[] changed = TEXT.clone();
            changed[39] = 33;
            session.reset();
            assertThat(nmse(rows(session.evaluate(changed, true), 0, 1), rows(whole, 0, 1)))
                    .as("the first token sees the last")
                    .isGreaterThan(1e-6);
            session.reset();
            session.evaluate(Arrays.copyOf(TEXT, 25), false);
            assertThat(nmse(session.evaluate(Arrays.copyOfRange(TEXT, 25, 40), true), rows(whole, 25, 40)))
                    .as("appended tokens have the scores that they have in the whole text")
                    .isLessThan(1e-12);
            assertThat(session.tokens()).isEqualTo(TEXT);
        }
    }

    @Test
    void aTextLongerThanABatchIsStillReadAtOnce() throws IOException {
        int[] text = IntStream.range(0, 600).map(i -> 32 + (i * 31 + 7) % 90).toArray();
        try (LanguageModel model = LanguageModel.load(file("llada"), LoadOptions.EXACT);
                Session session = model.newSession()) {
            float[] whole = session.evaluate(text, true);
            text[599] = 33;
            session.reset();
            assertThat(nmse(rows(session.evaluate(text, true), 0, 1), rows(whole, 0, 1)))
                    .isGreaterThan(1e-9);
            assertThat(model.stats().promptTokens()).isEqualTo(1200);
            assertThat(model.stats().kvBytes()).as("nothing is kept").isZero();
        }
    }

    @Test
    void sessionsAreCutForkedAndSaved() throws IOException {
        Path saved = folder.resolve("session");
        try (LanguageModel model = LanguageModel.load(file("dream"), LoadOptions.EXACT);
                Session session = model.newSession()) {
            session.evaluate(Arrays.copyOf(TEXT, 30), true);
            float[] expected = session.evaluate(Arrays.copyOfRange(TEXT, 30, 40), true);
            try (Session fork = session.fork(30)) {
                assertThat(nmse(fork.evaluate(Arrays.copyOfRange(TEXT, 30, 40), true), expected))
                        .isLessThan(1e-12);
            }
            session.truncate(30);
            session.save(saved);
            assertThat(nmse(session.evaluate(Arrays.copyOfRange(TEXT, 30, 40), true), expected))
                    .isLessThan(1e-12);
            try (Session restored = model.restore(saved)) {
                assertThat(nmse(restored.evaluate(Arrays.copyOfRange(TEXT, 30, 40), true), expected))
                        .isLessThan(1e-12);
            }
        }
    }

    @Test
    void whatGoesOnWithATextIsRefusedByName() throws IOException {
        GenerationOptions options = GenerationOptions.GREEDY.withMaxTokens(1);
        try (LanguageModel model = LanguageModel.load(file("llada"), LoadOptions.EXACT);
                Session session = model.newSession()) {
            assertThat(model.canGenerate()).isFalse();
            assertThatThrownBy(() -> session.stream("Hello", options))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining("a diffusion model (llada)");
            assertThatThrownBy(() -> session.chat(List.of(ChatMessage.user("Hello")), options))
                    .isInstanceOf(UnsupportedModelException.class);
            assertThatThrownBy(() -> session.score(TEXT))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining("scoring");
            assertThat(session.length()).isZero();
        }
    }

    /** Memory is there for a text of the context that the model was loaded with. */
    @Test
    void theContextIsThatOfTheLoad() throws IOException {
        Path file = file("llada");
        try (LanguageModel model = LanguageModel.load(file, LoadOptions.EXACT)) {
            assertThatThrownBy(() -> model.newSession(SessionOptions.DEFAULT.withContextLength(641)))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining("641 tokens")
                    .hasMessageContaining("640 at most");
        }
        try (LanguageModel model = LanguageModel.load(file, LoadOptions.EXACT.withContextLength(30));
                Session session = model.newSession()) {
            assertThatThrownBy(() -> session.evaluate(TEXT, true)).isInstanceOf(ContextOverflowException.class);
            assertThatThrownBy(() -> model.newSession(SessionOptions.DEFAULT.withContextLength(40)))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining("30 at most");
        }
        long all = LanguageModel.memoryPlan(file, LoadOptions.EXACT).workspace();
        assertThat(LanguageModel.memoryPlan(file, LoadOptions.EXACT.withContextLength(30))
                        .workspace())
                .isLessThan(all);
    }
}
