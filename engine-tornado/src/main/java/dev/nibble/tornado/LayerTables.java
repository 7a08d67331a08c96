package dev.nibble.tornado;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.Norm;
import dev.nibble.model.Projection;
import dev.nibble.model.RopeConfig;
import dev.nibble.tornado.kernels.Layout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Builds {@code table} and {@code vectors} of {@link Layout}: a row for each layer, then one for each piece of the output. */
final class LayerTables {
    private final int positions;
    private final int[] table;
    private float[] vectors = new float[1024];
    private int vectorCount;
    private final Map<RopeConfig, Integer> ropes = new HashMap<>();
    private final IdentityHashMap<float[], Integer> known = new IdentityHashMap<>();

    /**
     * Tables without contents.
     *
     * @param rows layers and pieces of the output
     * @param positions that can be rotated
     */
    LayerTables(int rows, int positions) {
        this.positions = positions;
        table = new int[rows * Layout.COLUMNS];
        Arrays.fill(table, -1);
    }

    /** Fills the row of a layer whose weights lie where {@code pieces} says. */
    void layer(int row, BlockConfig block, List<WeightStore.Piece> pieces, int cacheLayer) {
        AttentionConfig attention = Support.attention(block);
        float[] scalars = new float[Layout.SCALAR_COUNT];
        List<Projection> projections = Support.projections(block);
        for (int i = 0; i < projections.size(); i++) {
            projection(row, i, projections.get(i), pieces.get(i), scalars);
        }
        norm(row, Layout.ATTENTION_NORM, block.mixerNorm(), scalars);
        norm(row, Layout.FFN_NORM, block.ffnNorm(), scalars);
        norm(row, Layout.QUERY_NORM, attention.queryNorm(), scalars);
        norm(row, Layout.KEY_NORM, attention.keyNorm(), scalars);
        norm(row, Layout.ATTENTION_POST_NORM, block.mixerPostNorm(), scalars);
        norm(row, Layout.FFN_POST_NORM, block.ffnPostNorm(), scalars);
        scalars[Layout.SCORE_SCALE] = attention.scale();
        scalars[Layout.SCORE_SOFTCAP] = attention.softcap();
        scalars[Layout.RESIDUAL_SCALE] = block.residualScale();
        AttentionConfig.Temperature temperature = attention.temperature();
        if (temperature != null) {
            scalars[Layout.TEMPERATURE] = temperature.scale();
            scalars[Layout.TEMPERATURE + 1] = temperature.originalContext();
            scalars[Layout.TEMPERATURE + 2] = temperature.offset();
        }
        set(row, Layout.SCALARS, append(scalars));
        set(row, Layout.WINDOW, attention.window());
        set(row, Layout.ROPE, rope(attention.rope()));
        set(row, Layout.CACHE, cacheLayer);
    }

    /** Fills the row of a piece of the output projection, which stands as a query projection behind its norm. */
    void output(int row, Projection output, @Nullable Norm norm, WeightStore.Piece piece) {
        float[] scalars = new float[Layout.SCALAR_COUNT];
        Projection part = output.rowRange(piece.firstRow(), piece.rows());
        projection(row, Layout.QUERY, part, piece, scalars);
        norm(row, Layout.ATTENTION_NORM, norm, scalars);
        set(row, Layout.SCALARS, append(scalars));
    }

    private void projection(int row, int index, Projection projection, WeightStore.Piece piece, float[] scalars) {
        set(row, index, piece.offset());
        set(row, Layout.OUTPUTS + index, piece.rows());
        float[] bias = projection.bias();
        if (bias != null) {
            set(row, Layout.BIAS + index, append(bias));
        }
        scalars[index] = projection.scale();
    }

    private void norm(int row, int column, @Nullable Norm norm, float[] scalars) {
        if (norm != null) {
            set(row, column, append(norm.weight()));
            scalars[Layout.EPSILONS + column - Layout.NORMS] = norm.epsilon();
        }
    }

    private int rope(@Nullable RopeConfig rope) {
        if (rope == null) {
            return -1;
        }
        Integer at = ropes.get(rope);
        if (at == null) {
            at = append(RopeTables.make(rope.frequencies(), rope.magnitude(), positions));
            ropes.put(rope, at);
        }
        return at;
    }

    private void set(int row, int column, int value) {
        table[row * Layout.COLUMNS + column] = value;
    }

    private int append(float[] values) {
        Integer at = known.get(values);
        if (at != null) {
            return at;
        }
        if (vectorCount + values.length > vectors.length) {
            vectors = Arrays.copyOf(vectors, Math.max(vectorCount + values.length, 2 * vectors.length));
        }
        System.arraycopy(values, 0, vectors, vectorCount, values.length);
        known.put(values, vectorCount);
        vectorCount += values.length;
        return vectorCount - values.length;
    }

    IntArray table() {
        IntArray array = new IntArray(table.length);
        for (int i = 0; i < table.length; i++) {
            array.set(i, table[i]);
        }
        return array;
    }

    FloatArray vectors() {
        FloatArray array = new FloatArray(Math.max(1, vectorCount));
        for (int i = 0; i < vectorCount; i++) {
            array.set(i, vectors[i]);
        }
        return array;
    }
}
