package dev.nibble.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.model.AttentionConfig.RelativeBias;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** T5's buckets of distances: one for each of the near ones, then the wider the farther. */
class RelativeBiasTest {
    private static final int BUCKETS = 32;
    private static final int HEADS = 2;
    private static final int REACH = 128;

    private static float[] biases() {
        float[] biases = new float[BUCKETS * HEADS];
        for (int bucket = 0; bucket < BUCKETS; bucket++) {
            biases[bucket * HEADS] = bucket;
            biases[bucket * HEADS + 1] = 100 + bucket;
        }
        return biases;
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "-1, 1", "1, 17", "-7, 7", "-8, 8", "-16, 10", "16, 26", "-128, 15", "128, 31"})
    void encodersTellBothSidesApart(int distance, int bucket) {
        check(RelativeBias.ofBuckets(biases(), HEADS, REACH, true), distance, bucket);
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 0", "100, 0", "-1, 1", "-15, 15", "-16, 16", "-32, 21", "-128, 31"})
    void decodersLookBackOnly(int distance, int bucket) {
        check(RelativeBias.ofBuckets(biases(), HEADS, REACH, false), distance, bucket);
    }

    private static void check(RelativeBias bias, int distance, int bucket) {
        int width = 2 * REACH + 1;
        assertThat(bias.values()).hasSize(HEADS * width);
        assertThat(bias.values()[REACH + distance]).isEqualTo(bucket);
        assertThat(bias.values()[width + REACH + distance]).isEqualTo(100 + bucket);
    }
}
