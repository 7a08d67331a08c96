package dev.nibble.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The slopes of ALiBi, beside those of its paper and of models that have no power of two of heads. */
class AlibiTest {
    @Test
    void aGeometricSequenceForAPowerOfTwo() {
        assertThat(AttentionConfig.alibiSlopes(4, 8)).containsExactly(0.25f, 0.0625f, 0.015625f, 0.00390625f);
        assertThat(AttentionConfig.alibiSlopes(8, 8)[7]).isEqualTo(0.00390625f);
    }

    @Test
    void headsBeyondAPowerOfTwoLieBetween() {
        assertThat(AttentionConfig.alibiSlopes(6, 8))
                .containsExactly(0.25f, 0.0625f, 0.015625f, 0.00390625f, 0.5f, 0.125f);
    }
}
