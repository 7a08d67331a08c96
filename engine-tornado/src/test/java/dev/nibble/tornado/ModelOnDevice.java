package dev.nibble.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.nibble.ActivationType;
import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.model.Model;
import dev.nibble.model.ModelConfig;
import dev.nibble.spi.Backend;
import dev.nibble.spi.BackendProvider;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.tensor.DType;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ServiceLoader;

/** Compares a tiny model on a device with the same model on the CPU. */
final class ModelOnDevice {
    static final int CONTEXT = 128;
    static final LoadOptions OPTIONS =
            LoadOptions.DEFAULT.withContextLength(CONTEXT).withActivations(ActivationType.F32);

    /** The logits of tiny models are of the size of 1: what a few hundred roundings make of them and their sum. */
    private static final float LOG_PROBABILITY = 1e-4f;

    /** Tokens of a prompt, evaluated in batches of these sizes; 1 is decoding. */
    private static final int[] BATCHES = {19, 1, 1, 5, 1};

    private ModelOnDevice() {}

    static void check(Device device, String name, DType type, LoadOptions options, int maxRows, Path folder)
            throws IOException {
        Path file = folder.resolve(name + "-" + type + ".gguf");
        TinyModels.write(name, 7, type, file);
        byte[] written = Files.readAllBytes(file);
        try (GgufFile gguf = GgufFile.open(file)) {
            Model model = Architectures.read(gguf, CONTEXT);
            float[] exact = onCpu(model, KvCacheType.F32);
            float[] expected = onCpu(model, KvCacheType.F16);
            try (TornadoForwardPass pass = TornadoForwardPass.compile(model, device, options, maxRows)) {
                assertThat(pass.offload().contains("weights copied"))
                        .as(pass.offload())
                        .isEqualTo(WeightStore.deviceType(type) != type);
                compare(
                        name,
                        evaluate(pass, model, KvCacheType.F16),
                        expected,
                        exact,
                        model.config().vocabSize());
                compareChoice(name, pass, model.config());
            }
        }
        assertThat(file).as("mapped privately").hasBinaryContent(written);
    }

    /** The token chosen on the device is the most probable one by the logits that the device hands out. */
    private static void compareChoice(String name, ForwardPass pass, ModelConfig config) {
        assertThat(pass.canChoose()).as(name).isEqualTo(config.logitSoftcap() == 0);
        if (!pass.canChoose()) {
            return;
        }
        float[] logits = new float[config.vocabSize()];
        int[] token = new int[1];
        float[] logProbability = new float[1];
        Batch batch = new Batch(1);
        try (Sequence sequence = pass.newSequence(CONTEXT, KvCacheType.F16)) {
            for (int i = 0; i < 3; i++) {
                batch.clear();
                batch.add(sequence, 5 + i, true);
                pass.evaluate(batch, logits, () -> false);
                assertThat(sequence.truncate(i)).isTrue();
                pass.choose(batch, token, logProbability, () -> false);
                int best = 0;
                double sum = 0;
                for (int id = 0; id < logits.length; id++) {
                    sum += Math.exp(logits[id]);
                    best = logits[id] > logits[best] ? id : best;
                }
                assertThat(token[0]).as(name).isEqualTo(best);
                assertThat(logProbability[0])
                        .as(name)
                        .isCloseTo((float) (logits[best] - Math.log(sum)), within(LOG_PROBABILITY));
                assertThat(sequence.length()).isEqualTo(i + 1);
            }
        }
    }

    private static float[] onCpu(Model model, KvCacheType type) {
        BackendProvider cpu = ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.name().equals("cpu"))
                .findFirst()
                .orElseThrow();
        try (Backend backend = cpu.open(OPTIONS.withThreads(1));
                ForwardPass pass = backend.compile(model)) {
            return evaluate(pass, model, type);
        }
    }

    /** The logits of every row. */
    private static float[] evaluate(ForwardPass pass, Model model, KvCacheType type) {
        int vocab = model.config().vocabSize();
        int total = 0;
        for (int size : BATCHES) {
            total += size;
        }
        float[] all = new float[total * vocab];
        int done = 0;
        try (Sequence sequence = pass.newSequence(CONTEXT, type)) {
            for (int size : BATCHES) {
                Batch batch = new Batch(size);
                for (int i = 0; i < size; i++) {
                    batch.add(sequence, 3 + (done + i) * 37 % 250, true);
                }
                float[] logits = new float[size * vocab];
                pass.evaluate(batch, logits, () -> false);
                System.arraycopy(logits, 0, all, done * vocab, logits.length);
                done += size;
            }
            assertThat(sequence.length()).isEqualTo(total);
        }
        return all;
    }

    /**
     * Both round keys and values to halves. Where a float differs in its last bits a half may fall to the other side, so
     * that two right results differ by a part of what this rounding does at all: that is measured on the CPU, with a
     * cache of halves and one of floats, and no logit may be further off than the most it does to one of its row.
     */
    private static void compare(String name, float[] actual, float[] expected, float[] exact, int vocab) {
        for (int row = 0; row * vocab < actual.length; row++) {
            double bound = 0;
            double difference = 0;
            int worst = 0;
            for (int i = row * vocab; i < (row + 1) * vocab; i++) {
                bound = Math.max(bound, Math.abs(expected[i] - exact[i]));
                if (Math.abs(actual[i] - expected[i]) > difference || Float.isNaN(actual[i])) {
                    difference = Float.isNaN(actual[i]) ? Double.POSITIVE_INFINITY : Math.abs(actual[i] - expected[i]);
                    worst = i;
                }
            }
            assertThat(difference)
                    .as(
                            "%s, row %d, token %d: expected %s, actual %s",
                            name, row, worst % vocab, expected[worst], actual[worst])
                    .isLessThanOrEqualTo(bound);
        }
    }
}
