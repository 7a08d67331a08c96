package dev.nibble.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.IntUnaryOperator;
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
    void guessesAreTriedBeforeAnythingIsKnownIfTheyAreProbable() {
        assertThat(cost.guesses(1, 1, 16, 0.9, 0.9, 0)).isGreaterThan(4);
        assertThat(cost.guesses(1, 1, 16, 0.05, 0.9, 0)).isZero();
        assertThat(cost.guesses(1, 1, 3, 1, 1, 0)).isEqualTo(3);
    }

    @Test
    void asManyGuessesAreTakenAsGiveTheMostTokensForTheTime() {
        measure(rows -> rows <= 4 ? 2 : rows <= 8 ? 5 : 12);
        assertThat(cost.guesses(1, 1, 16, 0.9, 0.95, 0)).isEqualTo(3);
        measure(rows -> rows <= 8 ? 1 : 4);
        assertThat(cost.guesses(1, 1, 16, 1, 1, 0)).isEqualTo(7);
        assertThat(cost.guesses(6, 6, 16, 1, 1, 0))
                .as("beside five other sessions")
                .isEqualTo(2);
        assertThat(cost.guesses(8, 8, 16, 1, 1, 0)).isZero();
    }

    @Test
    void whereEachRowTakesAStepNothingIsGuessed() {
        measure(rows -> rows);
        assertThat(cost.guesses(1, 1, 16, 0.9, 0.9, 0)).isZero();
    }

    @Test
    void whatGuessesTakeToMakeCounts() {
        measure(rows -> 1);
        assertThat(cost.guesses(1, 1, 8, 0.8, 0.8, 0)).isEqualTo(8);
        assertThat(cost.guesses(1, 1, 8, 0.8, 0.8, 0.3)).isBetween(1, 4);
        assertThat(cost.guesses(1, 1, 8, 0.8, 0.8, 1)).isZero();
    }

    @Test
    void aBatchThatWasDelayedIsTriedAgainLater() {
        measure(rows -> 1);
        for (int rows = 2; rows <= 17; rows++) {
            for (int i = 0; i < 20; i++) {
                cost.addRows(rows, 100 * MILLIS);
            }
        }
        assertThat(cost.guesses(1, 1, 16, 0.9, 0.9, 0)).isZero();
        for (int i = 0; i < 3000; i++) {
            cost.addRows(1, MILLIS);
        }
        assertThat(cost.guesses(1, 1, 16, 0.9, 0.9, 0)).isPositive();
    }

    private void measure(IntUnaryOperator millis) {
        for (int i = 0; i < 100; i++) {
            for (int rows = 1; rows <= 32; rows++) {
                cost.addRows(rows, millis.applyAsInt(rows) * MILLIS);
            }
        }
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
