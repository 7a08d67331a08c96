package dev.nibble.cpu.op;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.cpu.scalar.ScalarOps;
import dev.nibble.model.Norm;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Norms of parts of a row, beside norms of the parts. */
class RowNormTest {
    private static final Offset<Float> ROUNDING = Offset.offset(1e-6f);

    @Test
    void groupsAreNormalizedEachWithWeightsOfItsOwn() {
        float[] weight = {1, 2, 3, 4};
        float[] out = apply(new Norm(weight, null, 0, Norm.Kind.RMS).withGroups(2), 3, 4, 0, 2);
        // rms of (3, 4) is sqrt(12.5), of (0, 2) sqrt(2)
        assertThat(out[0]).isCloseTo((float) (3 / Math.sqrt(12.5)), ROUNDING);
        assertThat(out[1]).isCloseTo((float) (2 * 4 / Math.sqrt(12.5)), ROUNDING);
        assertThat(out[2]).isZero();
        assertThat(out[3]).isCloseTo((float) (4 * 2 / Math.sqrt(2)), ROUNDING);
    }

    @Test
    void layerNormsOfGroupsHaveMeansOfTheirOwn() {
        float[] bias = {0, 0.5f, 0, 0};
        float[] out = apply(new Norm(new float[] {1, 1, 1, 1}, bias, 0, Norm.Kind.LAYER).withGroups(2), 1, 3, -5, 7);
        assertThat(out).containsExactly(new float[] {-1, 1.5f, -1, 1}, ROUNDING);
    }

    @Test
    void withoutWeightsAllAreOne() {
        assertThat(Norm.unweighted(3, 1e-5f, Norm.Kind.RMS).weight()).containsExactly(1, 1, 1);
    }

    private static float[] apply(Norm norm, float... row) {
        float[] out = new float[row.length];
        RowNorm.apply(new ScalarOps(), norm, row, 0, out, 0);
        return out;
    }
}
