package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.spi.Backend;
import dev.nibble.spi.BackendProvider;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.util.List;
import java.util.ServiceLoader;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Runs models on the CPU, exactly, to compare their logits. */
final class Evaluation {
    /** The context the references were made with. */
    private static final int CONTEXT = 256;

    private Evaluation() {}

    static Backend openBackend() {
        return openBackend(LoadOptions.EXACT);
    }

    static Backend openBackend(LoadOptions options) {
        return ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.name().equals("cpu"))
                .findFirst()
                .orElseThrow()
                .open(options);
    }

    /** Skips a test where the build asks for machine code and none is written for this system or processor. */
    static void assumeKernels() {
        if (!System.getProperty("nibble.kernels", "").equals("machine")) {
            return;
        }
        try (Backend backend = openBackend()) {
            assertThat(backend.description()).contains("machine code");
        } catch (IllegalStateException e) {
            assertThat(e).hasMessageNotContaining("native access"); // which the build enables
            abort(String.valueOf(e.getMessage()));
        }
    }

    static ForwardPass compile(Backend backend, GgufFile source) {
        return backend.compile(Architectures.read(source, CONTEXT), source);
    }

    /** The logits after each token, [tokens, vocabulary], evaluated in chunks of so many tokens. */
    static float[] evaluate(ForwardPass pass, int[] tokens, KvCacheType type, int chunk) {
        int width = pass.outputSize();
        float[] logits = new float[tokens.length * width];
        try (Sequence sequence = pass.newSequence(CONTEXT, type)) {
            Batch batch = new Batch(chunk);
            for (int from = 0; from < tokens.length; from += chunk) {
                int to = Math.min(tokens.length, from + chunk);
                batch.clear();
                for (int i = from; i < to; i++) {
                    batch.add(sequence, tokens[i], true);
                }
                float[] part = new float[(to - from) * width];
                pass.evaluate(batch, part, () -> false);
                System.arraycopy(part, 0, logits, from * width, part.length);
            }
        }
        return logits;
    }

    /**
     * The logits after each token of two sequences of the same tokens whose rows share batches: by turns so many tokens of
     * the first and so many of the second, until both are at their ends.
     */
    static float[][] evaluateMixed(ForwardPass pass, int[] tokens, int first, int second) {
        int width = pass.outputSize();
        int[] steps = {first, second};
        int[] done = new int[2];
        float[][] logits = new float[2][tokens.length * width];
        try (Sequence a = pass.newSequence(CONTEXT, KvCacheType.F32);
                Sequence b = pass.newSequence(CONTEXT, KvCacheType.F32)) {
            List<Sequence> sequences = List.of(a, b);
            Batch batch = new Batch(first + second);
            while (done[0] < tokens.length || done[1] < tokens.length) {
                batch.clear();
                int[] counts = new int[2];
                for (int i = 0; i < 2; i++) {
                    counts[i] = Math.min(steps[i], tokens.length - done[i]);
                    for (int k = 0; k < counts[i]; k++) {
                        batch.add(sequences.get(i), tokens[done[i] + k], true);
                    }
                }
                float[] part = new float[(counts[0] + counts[1]) * width];
                pass.evaluate(batch, part, () -> false);
                System.arraycopy(part, 0, logits[0], done[0] * width, counts[0] * width);
                System.arraycopy(part, counts[0] * width, logits[1], done[1] * width, counts[1] * width);
                done[0] += counts[0];
                done[1] += counts[1];
            }
        }
        return logits;
    }

    /** How a sequence goes on where another stands. */
    interface Continuation {
        void begin(Sequence next, Sequence before, int length) throws IOException;

        /** It shares what the other holds. */
        static void sharing(Sequence next, Sequence before, int length) {
            next.share(before, length);
        }

        /** It is restored from what the other saved. */
        static void restoring(Sequence next, Sequence before, int length) throws IOException {
            ByteArrayOutputStream saved = new ByteArrayOutputStream();
            before.save(Channels.newChannel(saved));
            next.restore(Channels.newChannel(new ByteArrayInputStream(saved.toByteArray())), length);
        }
    }

    /** The logits after each token, where one sequence evaluates the first {@code at} tokens and another goes on. */
    static float[] evaluateContinued(ForwardPass pass, int[] tokens, int at, Continuation continuation)
            throws IOException {
        int width = pass.outputSize();
        float[] logits = new float[tokens.length * width];
        try (Sequence before = pass.newSequence(CONTEXT, KvCacheType.F32);
                Sequence next = pass.newSequence(CONTEXT, KvCacheType.F32)) {
            Batch batch = new Batch(tokens.length);
            for (int i = 0; i < tokens.length; i++) {
                batch.add(i < at ? before : next, tokens[i], true);
                if (i == at - 1 || i == tokens.length - 1) {
                    float[] part = new float[batch.size() * width];
                    pass.evaluate(batch, part, () -> false);
                    System.arraycopy(part, 0, logits, (i + 1 - batch.size()) * width, part.length);
                    batch.clear();
                }
                if (i == at - 1) {
                    continuation.begin(next, before, at);
                }
            }
        }
        return logits;
    }

    /** The next {@code count} tokens by greedy choice. */
    static int[] greedy(ForwardPass pass, int[] tokens, int count) {
        int[] ids = new int[count];
        float[] logits = new float[pass.outputSize()];
        try (Sequence sequence = pass.newSequence(CONTEXT, KvCacheType.F32)) {
            Batch batch = new Batch(tokens.length);
            for (int i = 0; i < tokens.length; i++) {
                batch.add(sequence, tokens[i], i == tokens.length - 1);
            }
            for (int i = 0; i < ids.length; i++) {
                pass.evaluate(batch, logits, () -> false);
                ids[i] = argmax(logits, 0, logits.length);
                batch.clear();
                batch.add(sequence, ids[i], true);
            }
        }
        return ids;
    }

    static int argmax(float[] logits, int row, int width) {
        int best = 0;
        for (int i = 1; i < width; i++) {
            if (logits[row * width + i] > logits[row * width + best]) {
                best = i;
            }
        }
        return best;
    }

    /** The squared error relative to the expected values' squares. */
    static double nmse(float[] actual, float[] expected) {
        assertThat(actual).hasSameSizeAs(expected);
        double error = 0;
        double power = 0;
        for (int i = 0; i < expected.length; i++) {
            double difference = (double) actual[i] - expected[i];
            error += difference * difference;
            power += (double) expected[i] * expected[i];
        }
        return error / power;
    }

    /** The integers of an array in a JSON text. */
    static int[] ids(String json, String key) {
        return numbers(json, key).mapToInt(Integer::parseInt).toArray();
    }

    /** The numbers of an array in a JSON text, as they stand there. */
    static Stream<String> numbers(String json, String key) {
        Matcher matcher = Pattern.compile("\"" + key + "\":\\s*\\[([^]]*)]").matcher(json);
        assertThat(matcher.find()).as(key).isTrue();
        return Stream.of(matcher.group(1).split(",")).map(String::trim);
    }
}
