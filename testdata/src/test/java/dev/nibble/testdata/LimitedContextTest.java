package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.UnsupportedModelException;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model that has learned a vector for each of 256 positions knows nothing of a position behind them. */
class LimitedContextTest {
    private static final int POSITIONS = 256;

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void write() throws IOException {
        file = folder.resolve("gpt2.gguf");
        TinyModels.write("gpt2", 1, file);
    }

    @Test
    void aSessionOfMorePositionsThanTheModelHasIsRefused() throws IOException {
        try (LanguageModel model = LanguageModel.load(file)) {
            assertThat(model.config().maxContextLength()).isEqualTo(POSITIONS);
            assertThatThrownBy(() -> model.newSession(SessionOptions.DEFAULT.withContextLength(POSITIONS + 1)))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining("a context of 257 tokens was asked for")
                    .hasMessageContaining("256 at most")
                    .hasMessageContaining("learned positions");
        }
    }

    @Test
    void soIsALoadForMore() {
        assertThatThrownBy(() -> LanguageModel.load(file, LoadOptions.DEFAULT.withContextLength(300)))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining(file.getFileName().toString())
                .hasMessageContaining("300 tokens")
                .hasMessageContaining("256 at most");
    }

    @Test
    void allPositionsCanBeUsed() throws IOException {
        try (LanguageModel model = LanguageModel.load(file);
                Session session = model.newSession()) {
            assertThat(session.contextLength()).isEqualTo(POSITIONS);
            session.evaluate(new int[POSITIONS - 2], false);
            GenerationOptions greedy = GenerationOptions.GREEDY.withMaxTokens(9).withIgnoreEndOfGeneration(true);
            assertThat(session.generate("", greedy).tokens()).hasSize(2);
        }
    }

    @Test
    void aModelWithoutLearnedPositionsIsNotLimited() throws IOException {
        Path llama = folder.resolve("llama.gguf");
        TinyModels.write("llama", 1, llama);
        try (LanguageModel model = LanguageModel.load(llama);
                Session session = model.newSession(SessionOptions.DEFAULT.withContextLength(300))) {
            assertThat(session.evaluate(new int[300], false)).hasSize(288);
        }
    }
}
