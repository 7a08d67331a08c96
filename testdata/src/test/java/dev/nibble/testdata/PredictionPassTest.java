package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.nibble.KvCacheType;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.model.Model;
import dev.nibble.model.Norm;
import dev.nibble.model.PredictionBlock;
import dev.nibble.model.Projection;
import dev.nibble.spi.Backend;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a block that predicts reads, and the block as a model of its own. */
class PredictionPassTest {
    private static final int CONTEXT = 64;

    @TempDir
    Path folder;

    private Backend backend;
    private GgufFile file;
    private Model model;

    @BeforeEach
    void open() throws IOException {
        backend = Evaluation.openBackend();
        file = HostileModel.open("glm4moe-mtp", folder);
        model = Architectures.read(file, CONTEXT);
    }

    @AfterEach
    void close() {
        file.close();
        backend.close();
    }

    private static void evaluate(ForwardPass pass, Sequence sequence, float[] outputs, int... tokens) {
        Batch batch = new Batch(tokens.length);
        for (int token : tokens) {
            batch.add(sequence, token, outputs.length > 0);
        }
        pass.evaluate(batch, outputs, () -> false);
    }

    /** The states of a text, from the model without its output matrix. */
    private float[][] states(boolean normed, int... tokens) {
        Model plain = new Model(
                model.config(),
                model.tokenEmbedding(),
                null,
                model.blocks(),
                normed ? model.outputNorm() : null,
                null,
                Model.Pooling.NONE,
                java.util.List.of());
        int hidden = model.config().hiddenSize();
        float[] all = new float[tokens.length * hidden];
        try (ForwardPass pass = backend.compile(plain);
                Sequence sequence = pass.newSequence(CONTEXT, KvCacheType.F32)) {
            evaluate(pass, sequence, all, tokens);
        }
        float[][] rows = new float[tokens.length][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = Arrays.copyOfRange(all, i * hidden, (i + 1) * hidden);
        }
        return rows;
    }

    private void assertHolds(Sequence sequence, float[][] expected, int from) {
        assertThat(sequence.statesFrom()).isEqualTo(from);
        float[] state = new float[model.config().hiddenSize()];
        for (int position = from; position < sequence.length(); position++) {
            sequence.copyState(position, state);
            assertThat(Evaluation.nmse(state, expected[position]))
                    .as("position %d", position)
                    .isLessThan(1e-10);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theLastStatesAreKept(boolean normed) {
        int[] tokens = new SplittableRandom(1).ints(20, 0, 256).toArray();
        float[][] expected = states(normed, tokens);
        float[] none = {};
        try (ForwardPass pass = backend.compile(model);
                Sequence sequence = pass.newSequence(CONTEXT, KvCacheType.F32);
                Sequence other = pass.newSequence(CONTEXT, KvCacheType.F32)) {
            assertThat(sequence.statesFrom()).isZero();
            evaluate(pass, sequence, none, Arrays.copyOf(tokens, 3));
            assertThat(sequence.keepStates(8, normed)).isTrue();
            assertThat(sequence.statesFrom()).isEqualTo(3);
            evaluate(pass, sequence, none, Arrays.copyOfRange(tokens, 3, 9));
            assertHolds(sequence, expected, 3);
            evaluate(pass, sequence, none, Arrays.copyOfRange(tokens, 9, 20));
            assertHolds(sequence, expected, 12);

            tokens[15] ^= 1;
            assertThat(sequence.truncate(15)).isTrue();
            assertHolds(sequence, expected, 12);
            evaluate(pass, sequence, none, Arrays.copyOfRange(tokens, 15, 18));
            assertHolds(sequence, states(normed, tokens), 12);

            evaluate(pass, other, none, tokens);
            sequence.share(other, 16);
            assertThat(sequence.statesFrom()).isEqualTo(16);
            assertThatThrownBy(() ->
                            sequence.copyState(15, new float[model.config().hiddenSize()]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("position 15");
            evaluate(pass, sequence, none, Arrays.copyOfRange(tokens, 16, 20));
            assertHolds(sequence, states(normed, tokens), 16);
        }
    }

    private static double[] normed(Norm norm, float[] row) {
        double squares = 0;
        for (float value : row) {
            squares += (double) value * value;
        }
        double factor = 1 / Math.sqrt(squares / row.length + norm.epsilon());
        double[] result = new double[row.length];
        for (int i = 0; i < row.length; i++) {
            result[i] = row[i] * factor * norm.weight()[i];
        }
        return result;
    }

    private static float[] row(Tensor tensor, int row) {
        float[] values = new float[(int) tensor.columns()];
        tensor.dequantizeRows(row, 1, values, 0);
        return values;
    }

    @Test
    void theEmbeddingAndTheStateBehindItAreJoined() {
        PredictionBlock block = model.predictionBlocks().getFirst();
        int hidden = model.config().hiddenSize();
        int[] tokens = {7, 40, 41, 7, 99};
        float[][] states = states(true, tokens);
        float[][] inputs = new float[1][];
        try (ForwardPass pass = backend.compile(Objects.requireNonNull(block.alone(model)));
                Sequence sequence = pass.newSequence(CONTEXT, KvCacheType.F32);
                Sequence single = pass.newSequence(CONTEXT, KvCacheType.F32)) {
            pass.observe((name, layer, values, rows, width) -> {
                if (name.equals("inp_embd")) {
                    inputs[0] = Arrays.copyOf(values, rows * width);
                }
            });
            Batch batch = new Batch(tokens.length);
            for (int i = 0; i < tokens.length; i++) {
                batch.add(sequence, tokens[i], states[i], true);
            }
            float[] logits = new float[tokens.length * pass.outputSize()];
            pass.evaluate(batch, logits, () -> false);
            Projection projection = block.projection();
            for (int i = 0; i < tokens.length; i++) {
                double[] embedding =
                        normed(block.embeddingNorm(), row(Objects.requireNonNull(block.tokenEmbedding()), tokens[i]));
                double[] state = normed(block.hiddenNorm(), states[i]);
                for (int out = 0; out < hidden; out += 17) {
                    float[] weights = row(projection.weight(), out);
                    double sum = 0;
                    for (int in = 0; in < hidden; in++) {
                        sum += weights[in] * embedding[in] + weights[hidden + in] * state[in];
                    }
                    assertThat((double) inputs[0][i * hidden + out]).isCloseTo(sum, within(1e-4));
                }
            }
            pass.observe(null);
            float[] one = new float[pass.outputSize()];
            for (int i = 0; i < tokens.length; i++) {
                batch.clear();
                batch.add(single, tokens[i], states[i], true);
                pass.evaluate(batch, one, () -> false);
                assertThat(Evaluation.nmse(one, Arrays.copyOfRange(logits, i * one.length, (i + 1) * one.length)))
                        .isLessThan(1e-10);
            }
        }
    }

    /** What {@code src/test/cpp/make_prediction.cpp} stored. */
    private static float[] reference() throws IOException {
        try (InputStream in = PredictionPassTest.class.getResourceAsStream("/predictions/glm4moe-mtp.f32")) {
            ByteBuffer bytes =
                    ByteBuffer.wrap(Objects.requireNonNull(in).readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
            float[] values = new float[bytes.remaining() / Float.BYTES];
            bytes.asFloatBuffer().get(values);
            return values;
        }
    }

    @Test
    void logitsAndStateAreThoseOfLlamaCpp() throws IOException {
        int[] tokens = Reference.ofTinyModel("llama-yarn").tokens();
        float[] expected = reference();
        float[][] states = states(true, tokens);
        Model alone = Objects.requireNonNull(model.predictionBlocks().getFirst().alone(model));
        try (ForwardPass pass = backend.compile(alone);
                Sequence sequence = pass.newSequence(CONTEXT, KvCacheType.F32)) {
            sequence.keepStates(1, true);
            Batch batch = new Batch(tokens.length);
            for (int i = 0; i + 1 < tokens.length; i++) {
                batch.add(sequence, tokens[i + 1], states[i], i + 2 == tokens.length);
            }
            float[] logits = new float[pass.outputSize()];
            pass.evaluate(batch, logits, () -> false);
            assertThat(Evaluation.nmse(logits, Arrays.copyOf(expected, logits.length)))
                    .isLessThan(1e-10);
            float[] state = new float[model.config().hiddenSize()];
            sequence.copyState(sequence.length() - 1, state);
            assertThat(Evaluation.nmse(
                            state, Arrays.copyOfRange(expected, logits.length, logits.length + state.length)))
                    .isLessThan(1e-10);
        }
    }

    @Test
    void statesAreGivenWhereTheyAreRead() {
        float[] state = new float[model.config().hiddenSize()];
        try (ForwardPass pass = backend.compile(Objects.requireNonNull(
                        model.predictionBlocks().getFirst().alone(model)));
                ForwardPass trunk = backend.compile(model);
                Sequence sequence = pass.newSequence(CONTEXT, KvCacheType.F32);
                Sequence text = trunk.newSequence(CONTEXT, KvCacheType.F32)) {
            Batch batch = new Batch(1);
            batch.add(sequence, 3, false);
            assertThatThrownBy(() -> pass.evaluate(batch, new float[0], () -> false))
                    .hasMessageContaining("row 0: a state of 96 values was expected");
            batch.clear();
            batch.add(sequence, 3, new float[5], false);
            assertThatThrownBy(() -> pass.evaluate(batch, new float[0], () -> false))
                    .hasMessageContaining("row 0: a state of 96 values was expected");
            batch.clear();
            batch.add(text, 3, state, false);
            assertThatThrownBy(() -> trunk.evaluate(batch, new float[0], () -> false))
                    .hasMessageContaining("row 0: no state was expected");
            assertThat(sequence.length() + text.length()).isZero();
        }
    }
}
