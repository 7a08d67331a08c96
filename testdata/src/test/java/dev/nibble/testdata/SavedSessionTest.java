package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.ContextOverflowException;
import dev.nibble.GenerationOptions;
import dev.nibble.KvCacheType;
import dev.nibble.KvCacheTypes;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.SessionFileException;
import dev.nibble.SessionOptions;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A session goes on from its file as it would have gone on, and a file that is not right is refused and leaves nothing open. */
class SavedSessionTest {
    private static final int[] PROMPT = new Random(1).ints(150, 1, 250).toArray();
    private static final GenerationOptions OPTIONS = GenerationOptions.DEFAULT
            .withTemperature(1)
            .withSeed(3)
            .withIgnoreEndOfGeneration(true)
            .withMaxTokens(20);

    @TempDir
    Path folder;

    private LanguageModel load(String name, long seed, LoadOptions options) throws IOException {
        Path file = folder.resolve(name + seed + ".gguf");
        TinyModels.write(name, seed, DType.Q8_0, file);
        return LanguageModel.load(file, options.withThreads(2).withPrefixCache(false));
    }

    private LanguageModel load(String name) throws IOException {
        return load(name, 1, LoadOptions.DEFAULT);
    }

    private Path saved(LanguageModel model) throws IOException {
        Path file = folder.resolve("session");
        try (Session session = model.newSession()) {
            session.evaluate(PROMPT, false);
            session.save(file);
        }
        return file;
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "gemma3", "qwen35", "granitehybrid", "lfm2", "deepseek2", "gemma3n"})
    void itGoesOnInAnotherProcessAsItWouldHave(String name) throws IOException {
        Path file = folder.resolve("session");
        int[] expected;
        int[] tokens;
        try (LanguageModel model = load(name);
                Session session = model.newSession()) {
            session.stream(PROMPT, OPTIONS.withMaxTokens(5)).result();
            session.save(file);
            tokens = session.tokens();
            expected = session.stream(new int[0], OPTIONS).result().tokens();
        }
        try (LanguageModel model = load(name)) {
            for (int i = 0; i < 2; i++) {
                try (Session session = model.restore(file)) {
                    assertThat(session.tokens()).isEqualTo(tokens);
                    assertThat(session.stream(new int[0], OPTIONS).result().tokens())
                            .isEqualTo(expected);
                }
            }
            assertThat(model.stats().promptTokens()).as("evaluated again").isLessThan(5);
            assertThat(model.stats().kvBytes()).isZero();
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(path -> path.getFileName().toString()))
                    .containsExactlyInAnyOrder("session", name + "1.gguf");
        }
    }

    /** Each for both, and two that differ. */
    static Stream<KvCacheTypes> types() {
        return Stream.concat(
                Arrays.stream(KvCacheType.values()).map(KvCacheTypes::of),
                Stream.of(
                        new KvCacheTypes(KvCacheType.Q8_0, KvCacheType.Q4_0),
                        new KvCacheTypes(KvCacheType.Q4_0, KvCacheType.F32)));
    }

    @ParameterizedTest
    @MethodSource("types")
    void theTypesOfItsCacheAreKept(KvCacheTypes types) throws IOException {
        try (LanguageModel model = load("llama", 1, LoadOptions.DEFAULT.withKvCacheTypes(types))) {
            Path file = saved(model);
            try (Session restored = model.restore(file);
                    Session evaluated = model.newSession()) {
                evaluated.evaluate(PROMPT, false);
                assertThat(restored.evaluate(new int[] {7, 8}, false))
                        .isEqualTo(evaluated.evaluate(new int[] {7, 8}, false));
            }
            KvCacheTypes other = new KvCacheTypes(
                    types.keys(), types.values() == KvCacheType.F16 ? KvCacheType.F32 : KvCacheType.F16);
            assertThatThrownBy(() -> model.restore(file, SessionOptions.DEFAULT.withKvCacheTypes(other)))
                    .isInstanceOf(SessionFileException.class)
                    .hasMessageContaining("type " + types + ", not " + other);
        }
    }

    @Test
    void anEmptySessionIsSavedToo() throws IOException {
        Path file = folder.resolve("session");
        try (LanguageModel model = load("llama")) {
            try (Session session = model.newSession()) {
                session.save(file);
            }
            try (Session session = model.restore(file)) {
                assertThat(session.length()).isZero();
                assertThat(session.stream(PROMPT, OPTIONS).result().tokens()).hasSize(20);
            }
        }
    }

    @Test
    void itsContextMayBeAnother() throws IOException {
        try (LanguageModel model = load("llama")) {
            Path file = saved(model);
            SessionOptions options = SessionOptions.DEFAULT;
            try (Session session = model.restore(file, options.withContextLength(160))) {
                assertThat(session.contextLength()).isEqualTo(160);
            }
            assertThatThrownBy(() -> model.restore(file, options.withContextLength(149)))
                    .isInstanceOf(ContextOverflowException.class);
            assertThat(model.stats().kvBytes()).isZero();
            assertThat(model.stats().sessions()).isZero();
        }
    }

    @Test
    void aSessionOfAnotherModelIsRefused() throws IOException {
        Path file;
        try (LanguageModel model = load("llama")) {
            file = saved(model);
        }
        try (LanguageModel other = load("llama", 2, LoadOptions.DEFAULT)) {
            assertThatThrownBy(() -> other.restore(file))
                    .isInstanceOf(SessionFileException.class)
                    .hasMessageContaining("another model");
        }
    }

    @Test
    void whatIsCutOrChangedAnywhereIsRefused() throws IOException {
        try (LanguageModel model = load("llama")) {
            Path file = saved(model);
            byte[] bytes = Files.readAllBytes(file);
            Random random = new Random(5);
            for (int i = 0; i < 200; i++) {
                int at = i < 80 ? i : random.nextInt(bytes.length);
                byte[] changed = bytes.clone();
                changed[at] ^= (byte) (1 << random.nextInt(8));
                assertRefused(model, file, changed, "byte " + at);
                int length = i < 80 ? i : random.nextInt(bytes.length);
                assertRefused(model, file, java.util.Arrays.copyOf(bytes, length), length + " bytes");
            }
            assertRefused(model, file, java.util.Arrays.copyOf(bytes, bytes.length + 1), "a byte more");
            Files.write(file, bytes);
            model.restore(file).close();
            assertThat(model.stats().kvBytes()).isZero();
            assertThat(model.stats().sessions()).isZero();
        }
    }

    private static void assertRefused(LanguageModel model, Path file, byte[] bytes, String what) throws IOException {
        Files.write(file, bytes);
        assertThatThrownBy(() -> model.restore(file))
                .as(what)
                .isInstanceOfAny(SessionFileException.class, dev.nibble.OutOfMemoryException.class)
                .hasMessageNotContaining("null");
    }

    @Test
    void aFailureLeavesTheOldFile() throws IOException {
        try (LanguageModel model = load("llama")) {
            Path file = saved(model);
            byte[] before = Files.readAllBytes(file);
            Session session = model.newSession();
            session.evaluate(PROMPT, false);
            Thread.currentThread().interrupt();
            try {
                assertThatThrownBy(() -> session.save(file)).isInstanceOf(IOException.class);
            } finally {
                assertThat(Thread.interrupted()).isTrue();
            }
            assertThat(Files.readAllBytes(file)).isEqualTo(before);
            session.close();
            assertThatThrownBy(() -> session.save(file)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> model.restore(folder.resolve("none"))).isInstanceOf(NoSuchFileException.class);
        }
    }

    /** A page that was copied holds more of the one it was copied from than the session has: that is not written. */
    @Test
    void nothingOfAnotherSessionIsWritten() throws IOException {
        try (LanguageModel model = load("llama");
                Session session = model.newSession()) {
            session.evaluate(PROMPT, false);
            Path expected = folder.resolve("expected");
            Path actual = folder.resolve("actual");
            try (Session alone = model.newSession();
                    Session fork = session.fork(140)) {
                alone.evaluate(java.util.Arrays.copyOf(PROMPT, 140), false);
                float[] next = alone.evaluate(new int[] {9}, false);
                alone.save(expected);
                float[] same = fork.evaluate(new int[] {9}, false);
                fork.save(actual);
                if (model.backendDescription().contains("machine code")) {
                    assertThat(same).isEqualTo(next);
                    assertThat(Files.readAllBytes(actual)).isEqualTo(Files.readAllBytes(expected));
                }
            }
        }
    }
}
