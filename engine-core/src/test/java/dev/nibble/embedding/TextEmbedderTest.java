package dev.nibble.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.memory.MemoryBudget;
import dev.nibble.model.Model;
import dev.nibble.model.Model.Pooling;
import dev.nibble.model.Projection;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TextEmbedderTest {
    private static final MemoryBudget NO_LIMIT = new MemoryBudget(OptionalLong.empty());

    private final FakeStates pass = new FakeStates(600);

    private static TextEmbedder embedder(FakeStates pass, Pooling pooling, boolean normalize) {
        return new TextEmbedder(pass, FakeStates.model(FakeStates.HIDDEN, pooling), normalize, NO_LIMIT);
    }

    private float[] one(Pooling pooling, int... tokens) {
        return embedder(pass, pooling, false)
                .embed(List.of(tokens), pooling, () -> false)
                .getFirst();
    }

    @Test
    void poolings() {
        assertThat(one(Pooling.NONE, 5, 9, 1)).containsExactly(5, 0, 9, 1, 1, 2);
        assertThat(one(Pooling.MEAN, 5, 9, 1)).containsExactly(5, 1);
        assertThat(one(Pooling.FIRST, 5, 9, 1)).containsExactly(5, 0);
        assertThat(one(Pooling.LAST, 5, 9, 1)).containsExactly(1, 2);
        assertThat(one(Pooling.MEAN, 7)).containsExactly(7, 0);
    }

    @Test
    void textsAreGroupedAndKeepTheirOrder() {
        List<int[]> texts = new ArrayList<>();
        for (int length : new int[] {200, 300, 12, 1, 550, 3}) {
            texts.add(IntStream.range(0, length).map(i -> length).toArray());
        }
        List<float[]> embeddings = embedder(pass, Pooling.LAST, false).embed(texts, Pooling.LAST, () -> false);
        assertThat(embeddings).hasSameSizeAs(texts);
        for (int i = 0; i < texts.size(); i++) {
            int length = texts.get(i).length;
            assertThat(embeddings.get(i)).containsExactly(length, length - 1);
        }
        assertThat(pass.batches).containsExactly(512, 1, 550, 3);
        assertThat(pass.openSequences).isZero();
    }

    @Test
    void aTextLongerThanABatchGoesInSeveral() {
        FakeStates small = new FakeStates(4);
        float[] mean = embedder(small, Pooling.MEAN, false)
                .embed(List.of(IntStream.range(0, 11).toArray()), Pooling.MEAN, () -> false)
                .getFirst();
        assertThat(mean).containsExactly(5, 5);
        assertThat(small.batches).containsExactly(4, 4, 3);
    }

    @Test
    void normalizationGivesTheLengthOneAndKeepsZeros() {
        TextEmbedder unit = embedder(pass, Pooling.FIRST, true);
        assertThat(unit.embed(List.of(new int[] {3, 1}), Pooling.FIRST, () -> false)
                        .getFirst())
                .containsExactly(1, 0);
        assertThat(unit.embed(List.of(new int[] {0, 1}), Pooling.NONE, () -> false)
                        .getFirst())
                .containsExactly(0, 0, (float) Math.sqrt(0.5), (float) Math.sqrt(0.5));
    }

    @Test
    void layersFollowThePooling() {
        Projection wider = projection(new float[][] {{1, 0}, {0, 2}, {1, 1}}, 0, 10, 0);
        Projection narrower = projection(new float[][] {{1, 1, 1}});
        Model model = FakeStates.model(FakeStates.HIDDEN, Pooling.LAST).withEmbeddingLayers(List.of(wider, narrower));
        TextEmbedder embedder = new TextEmbedder(pass, model, false, NO_LIMIT);
        assertThat(embedder.dimensions()).isEqualTo(1);
        // (token, position) = (4, 1) becomes (4, 12, 5), then 21
        assertThat(embedder.embed(List.of(new int[] {3, 4}), Pooling.LAST, () -> false)
                        .getFirst())
                .containsExactly(21);
        assertThat(embedder.embed(List.of(new int[] {3, 4}), Pooling.NONE, () -> false)
                        .getFirst())
                .containsExactly(16, 21);
    }

    private static Projection projection(float[][] rows, float... bias) {
        ByteBuffer bytes =
                ByteBuffer.allocate(rows.length * rows[0].length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float[] row : rows) {
            for (float value : row) {
                bytes.putFloat(value);
            }
        }
        Tensor weight = new Tensor(
                "dense", DType.F32, Shape.of(rows[0].length, rows.length), MemorySegment.ofArray(bytes.array()));
        return new Projection(weight, bias.length == 0 ? null : bias, 1);
    }

    @Test
    void cancellingFreesTheSequences() {
        TextEmbedder embedder = embedder(pass, Pooling.MEAN, true);
        assertThatThrownBy(() -> embedder.embed(List.of(new int[] {1}), Pooling.MEAN, () -> true))
                .isInstanceOf(CancellationException.class);
        assertThat(pass.openSequences).isZero();
    }
}
