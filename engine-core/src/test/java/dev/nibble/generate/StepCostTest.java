package dev.nibble.generate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** How much of a prompt goes beside sessions that generate follows from what steps and rows took. */
class StepCostTest {
    private static final int MOST = 512;
    private static final long MILLIS = 1_000_000;

    private final StepCost cost = new StepCost();

    @Test
    void isAFewRowsBeforeAnythingIsKnown() {
        assertThat(cost.promptRows(MOST)).isEqualTo(64);
        assertThat(cost.promptRows(5)).isEqualTo(5);
    }

    @Test
    void takesLessThanTwiceAStep() {
        cost.add(4, 0, 40 * MILLIS);
        cost.add(4, 64, (40 + 64) * MILLIS);
        assertThat(cost.promptRows(MOST)).as("of 1 ms each, in multiples of 16").isEqualTo(64);
        cost.add(0, 512, 512 * MILLIS);
        assertThat(cost.promptRows(MOST)).isEqualTo(64);
        assertThat(cost.promptRows(20)).as("no more than there is room for").isEqualTo(20);
    }

    @Test
    void promptsGoOnHoweverSlowTheyAre() {
        cost.add(1, 0, MILLIS);
        cost.add(0, 512, 51_200 * MILLIS);
        assertThat(cost.promptRows(MOST)).isEqualTo(16);
    }

    @Test
    void whereRowsCostLittleAllAreTaken() {
        cost.add(8, 0, 100 * MILLIS);
        cost.add(0, 512, 100 * MILLIS);
        assertThat(cost.promptRows(MOST)).isEqualTo(MOST);
    }

    @Test
    void followsWhatChanges() {
        cost.add(1, 0, 10 * MILLIS);
        cost.add(0, 512, 512 * MILLIS);
        int before = cost.promptRows(MOST);
        for (int i = 0; i < 50; i++) {
            cost.add(8, 0, 100 * MILLIS);
        }
        assertThat(cost.promptRows(MOST)).isGreaterThan(5 * before);
    }
}
