package dev.nibble.testdata;

import static dev.nibble.testdata.Evaluation.evaluate;
import static dev.nibble.testdata.Evaluation.evaluateMixed;
import static dev.nibble.testdata.Evaluation.nmse;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.KvCacheType;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.gguf.GgufFile;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Mamba and RWKV: their states are moved on alike however a text is cut, and go with a session that is forked or saved. */
class RecurrentModelsTest {
    private static final int[] TOKENS =
            IntStream.range(0, 40).map(i -> 32 + (i * 29 + 3) % 90).toArray();

    @TempDir
    Path folder;

    static Set<String> names() {
        return TinyRecurrents.names();
    }

    private Path model(String name) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        TinyRecurrents.write(name, 1, file);
        return file;
    }

    @ParameterizedTest
    @MethodSource("names")
    void chunksAndMixedBatchesGiveTheSame(String name) throws IOException {
        try (Backend backend = Evaluation.openBackend();
                GgufFile source = GgufFile.open(model(name));
                ForwardPass pass = Evaluation.compile(backend, source)) {
            float[] atOnce = evaluate(pass, TOKENS, KvCacheType.F32, TOKENS.length);
            for (int chunk : new int[] {1, 7, 16}) {
                assertThat(nmse(evaluate(pass, TOKENS, KvCacheType.F32, chunk), atOnce))
                        .as("chunks of " + chunk)
                        .isLessThan(1e-10);
            }
            for (float[] mixed : evaluateMixed(pass, TOKENS, 7, 3)) {
                assertThat(nmse(mixed, atOnce)).as("mixed").isLessThan(1e-10);
            }
        }
    }

    /** A token that is changed changes what comes after it, and nothing before. */
    @ParameterizedTest
    @MethodSource("names")
    void everyTokenCountsForThoseBehindIt(String name) throws IOException {
        int[] changed = TOKENS.clone();
        changed[20]++;
        try (Backend backend = Evaluation.openBackend();
                GgufFile source = GgufFile.open(model(name));
                ForwardPass pass = Evaluation.compile(backend, source)) {
            float[] before = evaluate(pass, TOKENS, KvCacheType.F32, TOKENS.length);
            float[] after = evaluate(pass, changed, KvCacheType.F32, TOKENS.length);
            int width = pass.outputSize();
            for (int token = 0; token < TOKENS.length; token++) {
                double difference = 0;
                for (int i = token * width; i < (token + 1) * width; i++) {
                    difference = Math.max(difference, Math.abs(before[i] - after[i]));
                }
                if (token < 20) {
                    assertThat(difference).as("token " + token).isLessThan(1e-4);
                } else {
                    assertThat(difference).as("token " + token).isGreaterThan(1e-7);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("names")
    void forksAndSavedSessionsGoOnAlike(String name) throws IOException {
        Path file = folder.resolve("session");
        try (LanguageModel model = LanguageModel.load(model(name), LoadOptions.EXACT);
                Session session = model.newSession()) {
            session.evaluate(TOKENS, false);
            session.save(file);
            try (Session fork = session.fork();
                    Session restored = model.restore(file)) {
                float[] expected = session.evaluate(new int[] {65}, false);
                assertThat(nmse(fork.evaluate(new int[] {65}, false), expected)).isLessThan(1e-10);
                assertThat(nmse(restored.evaluate(new int[] {65}, false), expected))
                        .isLessThan(1e-10);
            }
        }
    }
}
