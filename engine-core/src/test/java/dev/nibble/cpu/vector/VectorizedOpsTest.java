package dev.nibble.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.cpu.kernel.RandomWeights;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.kernel.WorstError;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.scalar.ScalarOps;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("vector-width")
class VectorizedOpsTest {
    private static final double EPSILON = 0x1p-24;
    private final VectorOps vector = new VectorizedOps();
    private final VectorOps scalar = new ScalarOps();
    private final Random random = new Random(11);

    static IntStream counts() {
        return IntStream.of(0, 1, Lanes.COUNT - 1, Lanes.COUNT, 4 * Lanes.COUNT, 5 * Lanes.COUNT + 3, 200);
    }

    @ParameterizedTest
    @MethodSource("counts")
    void dot(int count) {
        float[] a = RandomWeights.gaussian(count + 1, random);
        float[] b = RandomWeights.gaussian(count + 2, random);
        double expected = 0;
        double magnitude = 0;
        for (int i = 0; i < count; i++) {
            expected += (double) a[1 + i] * b[2 + i];
            magnitude += Math.abs((double) a[1 + i] * b[2 + i]);
        }
        WorstError error = new WorstError("dot of " + count);
        double bound = (count + 1) * EPSILON * magnitude + Float.MIN_VALUE;
        error.add("vector", expected, vector.dot(a, 1, b, 2, count), bound);
        error.add("scalar", expected, scalar.dot(a, 1, b, 2, count), bound);
        error.check();
    }

    @ParameterizedTest
    @MethodSource("counts")
    void sumOfSquares(int count) {
        float[] a = RandomWeights.gaussian(count + 1, random);
        double expected = 0;
        for (int i = 0; i < count; i++) {
            expected += (double) a[1 + i] * a[1 + i];
        }
        WorstError error = new WorstError("sum of squares of " + count);
        error.add(
                "sum", expected, vector.sumOfSquares(a, 1, count), (count + 1) * EPSILON * expected + Float.MIN_VALUE);
        error.check();
    }

    @ParameterizedTest
    @MethodSource("counts")
    void max(int count) {
        float[] a = RandomWeights.gaussian(count + 2, random);
        a[0] = a[count + 1] = 100; // outside
        assertThat(vector.max(a, 1, count)).isEqualTo(scalar.max(a, 1, count));
        for (int i = 0; i < count; i++) {
            float[] one = a.clone();
            one[1 + i] = 50;
            assertThat(vector.max(one, 1, count)).isEqualTo(50);
        }
    }

    @ParameterizedTest
    @MethodSource("counts")
    void elementwise(int count) {
        float[] x = RandomWeights.gaussian(count + 3, random);
        float[] y = RandomWeights.gaussian(count + 3, random);
        compare("add", x, y, count, 1, true, (ops, a, b) -> ops.add(a, 1, b, 2, count));
        compare("axpy", x, y, count, 2, true, (ops, a, b) -> ops.axpy(0.37f, a, 1, b, 2, count));
        compare("scale", x, y, count, 1, false, (ops, a, b) -> ops.scale(b, 2, count, -1.7f));
        compare(
                "scaleMultiply",
                x,
                y,
                count,
                3,
                false,
                (ops, a, b) -> ops.scaleMultiply(a, 1, 0.3f, a, 0, b, 2, count));
    }

    @ParameterizedTest
    @MethodSource("counts")
    void multiplyAdd(int columns) {
        int depth = 37;
        for (int rows : new int[] {0, 1, 3, 4, 6, 11, 16}) {
            float[] a = RandomWeights.gaussian(rows * (depth + 3) + 1, random);
            float[] b = RandomWeights.gaussian(depth * (columns + 2) + 1, random);
            float[] c = RandomWeights.gaussian(rows * (columns + 1) + 2, random);
            float[] vectors = c.clone();
            float[] scalars = c.clone();
            vector.multiplyAdd(a, 1, depth + 3, rows, depth, b, 1, columns + 2, vectors, 2, columns + 1, columns);
            scalar.multiplyAdd(a, 1, depth + 3, rows, depth, b, 1, columns + 2, scalars, 2, columns + 1, columns);
            WorstError error = new WorstError(rows + " x " + columns);
            for (int r = 0; r < rows; r++) {
                for (int j = 0; j < columns; j++) {
                    int at = 2 + r * (columns + 1) + j;
                    double expected = c[at];
                    double magnitude = Math.abs(expected);
                    for (int k = 0; k < depth; k++) {
                        double term = (double) a[1 + r * (depth + 3) + k] * b[1 + k * (columns + 2) + j];
                        expected += term;
                        magnitude += Math.abs(term);
                    }
                    double bound = 2 * depth * EPSILON * magnitude;
                    error.add("vector", expected, vectors[at], bound);
                    error.add("scalar", expected, scalars[at], bound);
                    c[at] = vectors[at];
                }
            }
            if (rows * columns > 0) {
                error.check();
            }
            assertThat(vectors).as("nothing else is written").isEqualTo(c);
        }
    }

    /** How many rows are multiplied together must not matter: a prompt may be cut anywhere. */
    @ParameterizedTest
    @MethodSource("counts")
    void multiplyAddDoesNotDependOnTheRows(int columns) {
        int rows = 11;
        int depth = 37;
        float[] a = RandomWeights.gaussian(rows * depth, random);
        float[] b = RandomWeights.gaussian(depth * columns, random);
        float[] together = new float[rows * columns];
        float[] alone = new float[rows * columns];
        vector.multiplyAdd(a, 0, depth, rows, depth, b, 0, columns, together, 0, columns, columns);
        for (int r = 0; r < rows; r++) {
            vector.multiplyAdd(a, r * depth, depth, 1, depth, b, 0, columns, alone, r * columns, columns, columns);
        }
        assertThat(alone).isEqualTo(together);
    }

    @Test
    void scaledBytes() {
        int rows = 3;
        int columns = 64;
        float[] scales = RandomWeights.gaussian(columns, random);
        byte[] bytes = new byte[rows * columns + 5];
        random.nextBytes(bytes);
        float[] vectors = new float[rows * columns + 2];
        float[] scalars = vectors.clone();
        vector.loadScaledBytes(MemorySegment.ofArray(bytes), 5, rows, columns, scales, vectors, 1);
        scalar.loadScaledBytes(MemorySegment.ofArray(bytes), 5, rows, columns, scales, scalars, 1);
        assertThat(vectors).isEqualTo(scalars);
        assertThat(scalars[1 + columns + 7]).isEqualTo(bytes[5 + columns + 7] * scales[7]);
    }

    @Test
    void scaledNibbles() {
        int rows = 3;
        int columns = 64;
        float[] scales = RandomWeights.gaussian(columns, random);
        byte[] bytes = new byte[rows * columns + 5];
        random.nextBytes(bytes);
        float[] vectors = new float[2 * rows * columns + 2];
        float[] scalars = vectors.clone();
        vector.loadScaledNibbles(MemorySegment.ofArray(bytes), 5, rows, columns, scales, vectors, 1);
        scalar.loadScaledNibbles(MemorySegment.ofArray(bytes), 5, rows, columns, scales, scalars, 1);
        assertThat(vectors).isEqualTo(scalars);
        int both = bytes[5 + columns + 7] & 0xff;
        assertThat(scalars[1 + columns + 7]).isEqualTo((both % 16 - 8) * scales[7]);
        assertThat(scalars[1 + (rows + 1) * columns + 7]).isEqualTo((both / 16 - 8) * scales[7]);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 8, 16, 32, 64, 128})
    void rotations(int size) {
        int count = 3 * size;
        float[] x = RandomWeights.gaussian(count + 2, random);
        float[] vectors = x.clone();
        float[] scalars = x.clone();
        vector.rotate(vectors, 1, count, size);
        scalar.rotate(scalars, 1, count, size);
        assertThat(vectors).isEqualTo(scalars);
        assertThat(scalars[0]).isEqualTo(x[0]);
        assertThat(scalars[count + 1]).isEqualTo(x[count + 1]);
        for (int i = 0; i < count; i++) {
            double expected = 0;
            for (int j = 0; j < size; j++) {
                double sign = Integer.bitCount(i % size & j) % 2 == 0 ? 1 : -1;
                expected += sign * x[1 + i / size * size + j];
            }
            assertThat((double) scalars[1 + i])
                    .isCloseTo(expected / Math.sqrt(size), org.assertj.core.data.Offset.offset(1e-5));
        }
        scalar.rotate(scalars, 1, count, size);
        for (int i = 0; i < count; i++) {
            assertThat(scalars[1 + i]).as("back").isCloseTo(x[1 + i], org.assertj.core.data.Offset.offset(1e-5f));
        }
    }

    @Test
    void fourBits() {
        int count = 96;
        float[] values = RandomWeights.gaussian(count, random);
        MemorySegment memory = Arena.ofAuto().allocate(18 * 3 + 1).asSlice(1);
        vector.storeQ4(values, 0, count, memory, 0);
        float[] actual = new float[count];
        vector.loadQ4(memory, 0, actual, 0, count);
        float[] expected = new float[count];
        scalar.loadQ4(memory, 0, expected, 0, count);
        assertThat(actual).isEqualTo(expected);
        for (int i = 0; i < count; i++) {
            assertThat(actual[i]).isCloseTo(values[i], org.assertj.core.data.Offset.offset(4 / 7f));
        }
    }

    @ParameterizedTest
    @MethodSource("counts")
    void activations(int count) {
        float[] x = RandomWeights.gaussian(count + 3, random);
        for (int i = 0; i < x.length; i++) {
            x[i] *= 4;
        }
        float[] y = RandomWeights.gaussian(count + 3, random);
        // the argument of the exponential, up to 40, is off by its own rounding
        compare("silu", x, y, count, 60, false, (ops, a, b) -> ops.siluMultiply(a, 1, b, 2, b, 2, count));
        compare("gelu", x, y, count, 400, false, (ops, a, b) -> ops.geluTanhMultiply(a, 1, b, 2, b, 2, count));
    }

    private interface Operation {
        void apply(VectorOps ops, float[] x, float[] y);
    }

    /**
     * Both results agree within {@code roundings} half ulps of the result and, for sums, of the terms; nothing else is
     * written.
     */
    private void compare(
            String name, float[] x, float[] y, int count, int roundings, boolean isSum, Operation operation) {
        float[] expected = y.clone();
        float[] actual = y.clone();
        operation.apply(scalar, x.clone(), expected);
        operation.apply(vector, x.clone(), actual);
        WorstError error = new WorstError(name + " of " + count);
        for (int i = 0; i < y.length; i++) {
            boolean inside = i >= 2 && i < 2 + count;
            double size = Math.abs(expected[i]) + (inside && isSum ? Math.abs(y[i]) + Math.abs(x[i - 1]) : 0);
            double bound = inside ? roundings * EPSILON * size + Float.MIN_NORMAL * 100 : Float.MIN_VALUE;
            error.add("element " + (i - 2), expected[i], actual[i], bound);
        }
        error.check();
    }

    @ParameterizedTest
    @MethodSource("counts")
    void exponential(int count) {
        float[] x = RandomWeights.gaussian(count + 2, random);
        for (int i = 0; i < x.length; i++) {
            x[i] = -Math.abs(x[i]) * 20;
        }
        float shift = 1.5f;
        float[] actual = x.clone();
        float sum = vector.exp(actual, 1, count, shift);
        WorstError error = new WorstError("exp of " + count);
        double expectedSum = 0;
        for (int i = 0; i < count; i++) {
            double expected = Math.exp(x[1 + i] - shift);
            expectedSum += expected;
            error.add("element " + i + " (" + x[1 + i] + ")", expected, actual[1 + i], 4 * EPSILON * expected + 2e-38);
        }
        error.add("sum", expectedSum, sum, (count + 4) * EPSILON * expectedSum + 2e-38);
        error.check();
        assertThat(actual[0]).isEqualTo(x[0]);
        assertThat(actual[count + 1]).isEqualTo(x[count + 1]);
    }

    @Test
    void exponentialOfEveryMagnitude() {
        WorstError error = new WorstError("exp");
        float[] x = new float[Lanes.COUNT];
        for (float at = -87.3f; at <= 0; at += 0.00371f * Lanes.COUNT) {
            for (int i = 0; i < x.length; i++) {
                x[i] = Math.min(0, at + 0.00371f * i);
            }
            float[] actual = x.clone();
            vector.exp(actual, 0, x.length, 0);
            for (int i = 0; i < x.length; i++) {
                double expected = Math.exp(x[i]);
                error.add("x = " + x[i], expected, actual[i], 4 * EPSILON * expected);
            }
        }
        error.check();
    }

    @Test
    void exponentialAtTheEnds() {
        float[] x = new float[2 * Lanes.COUNT];
        java.util.Arrays.fill(x, Float.NEGATIVE_INFINITY);
        x[1] = 0;
        x[2] = -1000;
        x[3] = -88;
        assertThat(vector.exp(x, 0, x.length, 0)).isEqualTo(1);
        assertThat(x[0]).isZero();
        assertThat(x[1]).isEqualTo(1);
        assertThat(x[2]).isZero();
        assertThat(x[3]).isBetween(0f, 1e-37f);
    }

    @Test
    void activationsOfLargeValues() {
        float[] gate = new float[Lanes.COUNT];
        float[] up = new float[Lanes.COUNT];
        java.util.Arrays.fill(up, 2);
        gate[0] = 1e4f;
        gate[1] = -1e4f;
        gate[2] = 100;
        gate[3] = -100;
        for (int gelu = 0; gelu < 2; gelu++) {
            float[] out = new float[Lanes.COUNT];
            if (gelu == 1) {
                vector.geluTanhMultiply(gate, 0, up, 0, out, 0, out.length);
            } else {
                vector.siluMultiply(gate, 0, up, 0, out, 0, out.length);
            }
            assertThat(out[0]).isEqualTo(2e4f);
            assertThat(Math.abs(out[1])).isLessThan(1e-30f);
            assertThat(out[2]).isEqualTo(200);
            assertThat(Math.abs(out[3])).isLessThan(1e-30f);
        }
    }

    @ParameterizedTest
    @MethodSource("counts")
    void halfPrecision(int count) {
        float[] values = RandomWeights.gaussian(count, random);
        for (int i = 0; i < count; i += 5) {
            values[i] *= 1e-6f; // below the smallest normal half
        }
        MemorySegment memory = Arena.ofAuto().allocate(2L * count + 3).asSlice(3);
        vector.storeF16(values, 0, count, memory, 0, new Scratch());
        float[] actual = new float[count + 1];
        vector.loadF16(memory, 0, actual, 1, count, new Scratch());
        for (int i = 0; i < count; i++) {
            assertThat(actual[1 + i]).isEqualTo(Float.float16ToFloat(Float.floatToFloat16(values[i])));
        }
    }

    @Test
    void eightBits() {
        int count = 96;
        float[] values = RandomWeights.gaussian(count, random);
        MemorySegment memory = Arena.ofAuto().allocate(34 * 3 + 1).asSlice(1);
        vector.storeQ8(values, 0, count, memory, 0);
        float[] actual = new float[count];
        vector.loadQ8(memory, 0, actual, 0, count);
        float[] expected = new float[count];
        scalar.loadQ8(memory, 0, expected, 0, count);
        assertThat(actual).isEqualTo(expected);
        for (int i = 0; i < count; i++) {
            assertThat(actual[i]).isCloseTo(values[i], org.assertj.core.data.Offset.offset(4 / 127f));
        }
    }
}
