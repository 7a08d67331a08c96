package dev.nibble.testdata;

import static dev.nibble.testdata.Evaluation.nmse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.AdapterFile;
import dev.nibble.EmbeddingModel;
import dev.nibble.EmbeddingOptions;
import dev.nibble.KvCacheType;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.SessionFileException;
import dev.nibble.SessionOptions;
import dev.nibble.UnsupportedModelException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.gguf.GgufWriter.TensorData;
import dev.nibble.model.AdapterReader;
import dev.nibble.model.Architectures;
import dev.nibble.model.Model.Pooling;
import dev.nibble.spi.Backend;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Adapters beside a model: the same as merged into it, chosen by session, refused where they do not fit. */
class AdapterTest {
    private static final int[] TOKENS =
            IntStream.range(0, 40).map(i -> 32 + (i * 37 + 5) % 90).toArray();

    @TempDir
    Path folder;

    private AdapterFiles files() {
        return new AdapterFiles(folder);
    }

    private static float[] logits(Path file, LoadOptions options, SessionOptions sessionOptions, int chunk)
            throws IOException {
        try (LanguageModel model = LanguageModel.load(file, options);
                Session session = model.newSession(sessionOptions)) {
            return logits(session, chunk);
        }
    }

    private static float[] logits(Session session, int chunk) {
        List<float[]> parts = new ArrayList<>();
        for (int from = 0; from < TOKENS.length; from += chunk) {
            parts.add(session.evaluate(Arrays.copyOfRange(TOKENS, from, Math.min(TOKENS.length, from + chunk)), true));
        }
        float[] all = new float[parts.stream().mapToInt(part -> part.length).sum()];
        int at = 0;
        for (float[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama",
                "llama-bias",
                "llama-tied",
                "llama-moe",
                "qwen3moe",
                "gemma3",
                "phi3",
                "gpt-oss",
                "deepseek",
                "granitehybrid",
                "lfm2"
            })
    void anAdapterGivesWhatTheMergedModelGives(String name) throws IOException {
        Path base = files().base(name);
        Path adapter = files().adapter(base, 1);
        float[] plain = logits(base, LoadOptions.EXACT, SessionOptions.DEFAULT, 40);
        for (float scale : new float[] {1, -0.5f}) {
            float[] merged =
                    logits(files().merged(base, adapter, scale), LoadOptions.EXACT, SessionOptions.DEFAULT, 40);
            assertThat(nmse(plain, merged)).isGreaterThan(1e-3);
            LoadOptions options = LoadOptions.EXACT.withAdapter(adapter, scale);
            for (int chunk : new int[] {40, 1, 7}) {
                assertThat(nmse(logits(base, options, SessionOptions.DEFAULT, chunk), merged))
                        .as(name + " with the scale " + scale + " in chunks of " + chunk)
                        .isLessThan(1e-10);
            }
        }
    }

    @Test
    void severalAdaptersAddUp() throws IOException {
        Path base = files().base("llama");
        Path first = files().adapter(base, 1);
        Path second = files().adapter(base, 2);
        Path both = files().merged(files().merged(base, first, 0.5f), second, 2);
        float[] expected = logits(both, LoadOptions.EXACT, SessionOptions.DEFAULT, 40);
        LoadOptions options = LoadOptions.EXACT.withAdapter(first, 0.5f).withAdapter(second, 2);
        assertThat(nmse(logits(base, options, SessionOptions.DEFAULT, 40), expected))
                .isLessThan(1e-10);
    }

    @Test
    void aSessionChoosesItsAdapters() throws IOException {
        Path base = files().base("llama");
        Path first = files().adapter(base, 1);
        Path second = files().adapter(base, 2);
        LoadOptions options = LoadOptions.EXACT
                .withAdapter(first)
                .withAdapter(AdapterFile.of(second).withName("other").withScale(0));
        try (LanguageModel model = LanguageModel.load(base, options)) {
            assertThat(model.adapters()).containsExactly("adapter1", "other");
            check(model, SessionOptions.DEFAULT, files().merged(base, first, 1));
            check(model, SessionOptions.DEFAULT.withoutAdapters(), base);
            check(model, SessionOptions.DEFAULT.withAdapter("other"), files().merged(base, second, 1));
            check(model, SessionOptions.DEFAULT.withAdapter("other", -2), files().merged(base, second, -2));
            check(
                    model,
                    SessionOptions.DEFAULT.withAdapter("other").withAdapter("adapter1", 0.25f),
                    files().merged(files().merged(base, second, 1), first, 0.25f));
            assertThatThrownBy(() -> model.newSession(SessionOptions.DEFAULT.withAdapter("third")))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("there is no adapter 'third'; there are adapter1, other");
        }
    }

    private static void check(LanguageModel model, SessionOptions options, Path expected) throws IOException {
        try (Session session = model.newSession(options)) {
            assertThat(nmse(logits(session, 40), logits(expected, LoadOptions.EXACT, SessionOptions.DEFAULT, 40)))
                    .as(options.toString())
                    .isLessThan(1e-10);
        }
    }

    /** Sessions in threads of their own, which begin together: what each gets is what it gets alone. */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen3moe"})
    void sessionsWithDifferentAdaptersAreEvaluatedTogetherAsEachAlone(String name) throws Exception {
        Path base = files().base(name);
        LoadOptions options =
                LoadOptions.EXACT.withAdapter(files().adapter(base, 1), 0).withAdapter(files().adapter(base, 2), 0);
        List<SessionOptions> choices = List.of(
                SessionOptions.DEFAULT.withAdapter("adapter1"),
                SessionOptions.DEFAULT.withAdapter("adapter2"),
                SessionOptions.DEFAULT,
                SessionOptions.DEFAULT.withAdapter("adapter1", 0.5f).withAdapter("adapter2"));
        try (LanguageModel model = LanguageModel.load(base, options);
                ExecutorService threads = Executors.newFixedThreadPool(choices.size())) {
            List<float[]> alone = new ArrayList<>();
            for (SessionOptions choice : choices) {
                try (Session session = model.newSession(choice)) {
                    alone.add(logits(session, 1));
                }
            }
            CountDownLatch begin = new CountDownLatch(1);
            List<Future<float[]>> together = new ArrayList<>();
            for (SessionOptions choice : choices) {
                together.add(threads.submit(() -> {
                    try (Session session = model.newSession(choice)) {
                        begin.await();
                        return logits(session, 1);
                    }
                }));
            }
            begin.countDown();
            for (int i = 0; i < choices.size(); i++) {
                assertThat(nmse(together.get(i).get(2, TimeUnit.MINUTES), alone.get(i)))
                        .as(choices.get(i).toString())
                        .isLessThan(1e-11);
            }
        }
    }

    /** Rows of three sequences in turn, in one batch: each gets what it gets alone. */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen3moe", "phi3"})
    void rowsOfOneBatchUseTheAdaptersOfTheirSequences(String name) throws IOException {
        Path base = files().base(name);
        float[][] scales = {{1, 0}, {0, 1}, {0, 0}, {-0.5f, 2}};
        try (Backend backend = Evaluation.openBackend();
                GgufFile source = GgufFile.open(base);
                GgufFile first = GgufFile.open(files().adapter(base, 1));
                GgufFile second = GgufFile.open(files().adapter(base, 2));
                ForwardPass pass = backend.compile(
                        Architectures.read(source, 256)
                                .withAdapters(List.of(
                                        AdapterReader.read(first, "first", 0, source),
                                        AdapterReader.read(second, "second", 0, source))),
                        source)) {
            int width = pass.outputSize();
            float[] together = new float[scales.length * TOKENS.length * width];
            evaluate(pass, scales, together, IntStream.range(0, scales.length).toArray());
            for (int i = 0; i < scales.length; i++) {
                float[] alone = new float[TOKENS.length * width];
                evaluate(pass, scales, alone, i);
                for (int token = 0; token < TOKENS.length; token++) {
                    int at = (token * scales.length + i) * width;
                    assertThat(nmse(
                                    Arrays.copyOfRange(together, at, at + width),
                                    Arrays.copyOfRange(alone, token * width, (token + 1) * width)))
                            .as("sequence " + i + ", token " + token)
                            .isLessThan(1e-11);
                }
            }
        }
    }

    /** The logits of all tokens of some sequences, those of a token one after the other. */
    private static void evaluate(ForwardPass pass, float[][] scales, float[] logits, int... chosen) {
        List<Sequence> sequences = new ArrayList<>();
        Batch batch = new Batch(TOKENS.length * chosen.length);
        try {
            for (int choice : chosen) {
                Sequence sequence = pass.newSequence(TOKENS.length, KvCacheType.F32);
                sequences.add(sequence);
                sequence.useAdapters(scales[choice]);
            }
            for (int token : TOKENS) {
                sequences.forEach(sequence -> batch.add(sequence, token, true));
            }
            pass.evaluate(batch, logits, () -> false);
            assertThatThrownBy(() -> sequences.getFirst().useAdapters(scales[0]))
                    .isInstanceOf(IllegalStateException.class);
        } finally {
            sequences.forEach(Sequence::close);
        }
    }

    /** What was evaluated with one adapter is of no use to a session with another, and a fork keeps its own. */
    @Test
    void prefixesAreSharedWithTheSameAdaptersOnly() throws IOException {
        Path base = files().base("llama");
        LoadOptions options =
                LoadOptions.EXACT.withAdapter(files().adapter(base, 1), 0).withAdapter(files().adapter(base, 2), 0);
        SessionOptions first = SessionOptions.DEFAULT.withAdapter("adapter1");
        try (LanguageModel model = LanguageModel.load(base, options);
                Session one = model.newSession(first);
                Session other = model.newSession(SessionOptions.DEFAULT.withAdapter("adapter2"));
                Session none = model.newSession();
                Session again = model.newSession(first)) {
            float[] ofOne = logits(one, 40);
            float[] ofOther = logits(other, 40);
            assertThat(nmse(ofOther, ofOne)).isGreaterThan(1e-3);
            assertThat(nmse(logits(none, 40), ofOne)).isGreaterThan(1e-3);
            int width = ofOne.length / TOKENS.length;
            float[] last = Arrays.copyOfRange(ofOne, ofOne.length - width, ofOne.length);
            assertThat(nmse(again.evaluate(TOKENS, false), last)).isLessThan(1e-10);
            try (Session fork = one.fork()) {
                float[] next = one.evaluate(new int[] {65}, false);
                assertThat(nmse(fork.evaluate(new int[] {65}, false), next)).isLessThan(1e-10);
            }
            Path saved = folder.resolve("session");
            one.save(saved);
            assertThatThrownBy(() -> model.restore(saved))
                    .isInstanceOf(SessionFileException.class)
                    .hasMessageContaining("or of other adapters");
            float[] next = one.evaluate(new int[] {66}, false);
            try (Session restored = model.restore(saved, first)) {
                assertThat(nmse(restored.evaluate(new int[] {66}, false), next)).isLessThan(1e-10);
            }
        }
    }

    @Test
    void embeddingModelsUseTheAdaptersTheyAreLoadedWith() throws IOException {
        Path base = files().base("llama");
        Path adapter = files().adapter(base, 1);
        EmbeddingOptions mean = EmbeddingOptions.DEFAULT.withPooling(Pooling.MEAN);
        assertThatThrownBy(() -> EmbeddingModel.load(base, LoadOptions.EXACT.withAdapter(adapter), mean))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("output.weight");
        Path blocks = folder.resolve("blocks.gguf");
        try (GgufFile source = GgufFile.open(base)) {
            TinyAdapters.writer(
                            source,
                            name -> AdapterFiles.isMatrix(name) && name.startsWith("blk."),
                            AdapterFiles.RANK,
                            AdapterFiles.ALPHA,
                            1)
                    .write(blocks);
        }
        try (EmbeddingModel model = EmbeddingModel.load(base, LoadOptions.EXACT.withAdapter(blocks), mean);
                EmbeddingModel merged = EmbeddingModel.load(files().merged(base, blocks, 1), LoadOptions.EXACT, mean)) {
            assertThat(nmse(model.embed("the cat sat"), merged.embed("the cat sat")))
                    .isLessThan(1e-10);
        }
    }

    @Test
    void quantizedWeightsAndHalfPrecisionAdaptersComeNear() throws IOException {
        Path base = folder.resolve("quantized.gguf");
        TinyModels.write("llama", 1, DType.Q8_0, base);
        Path adapter = files().adapter(base, 1);
        Path half = folder.resolve("half.gguf");
        try (GgufFile source = GgufFile.open(adapter)) {
            GgufWriter writer = new GgufWriter().putAll(source, key -> true);
            for (Tensor tensor : source.tensors()) {
                float[] values = new float[(int) tensor.shape().elements()];
                tensor.dequantizeRows(0, (int) tensor.rows(), values, 0);
                writer.tensor(tensor.name(), DType.F16, tensor.shape(), halves(values));
            }
            writer.write(half);
        }
        float[] expected = logits(files().merged(base, adapter, 1), LoadOptions.EXACT, SessionOptions.DEFAULT, 40);
        for (LoadOptions options : List.of(LoadOptions.EXACT, LoadOptions.DEFAULT)) {
            for (int chunk : new int[] {40, 1}) {
                assertThat(nmse(logits(base, options.withAdapter(half), SessionOptions.DEFAULT, chunk), expected))
                        .isLessThan(1e-3);
            }
        }
    }

    private static TensorData halves(float[] values) {
        return out -> {
            java.nio.ByteBuffer bytes =
                    java.nio.ByteBuffer.allocate(2 * values.length).order(java.nio.ByteOrder.LITTLE_ENDIAN);
            for (float value : values) {
                bytes.putShort(Float.floatToFloat16(value));
            }
            out.write(bytes.flip());
        };
    }

    @Test
    void theMemoryPlanCountsThem() throws IOException {
        Path base = files().base("llama");
        LoadOptions with = LoadOptions.DEFAULT.withAdapter(files().adapter(base, 1));
        long plain = LanguageModel.memoryPlan(base, LoadOptions.DEFAULT).weights();
        long weights;
        long parts;
        try (GgufFile added = GgufFile.open(with.adapters().getFirst().file())) {
            parts = added.tensors().stream()
                    .mapToLong(tensor -> tensor.data().byteSize())
                    .sum();
        }
        weights = LanguageModel.memoryPlan(base, with).weights();
        assertThat(weights).isEqualTo(plain + parts);
        assertThat(LanguageModel.memoryPlan(base, with).workspace())
                .isGreaterThan(
                        LanguageModel.memoryPlan(base, LoadOptions.DEFAULT).workspace());
        try (LanguageModel model = LanguageModel.load(base, with)) {
            assertThat(model.memoryPlan().weights()).isEqualTo(weights);
        }
    }
}
