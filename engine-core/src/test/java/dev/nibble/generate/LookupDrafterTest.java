package dev.nibble.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What follows is looked up where the last tokens stood before. */
class LookupDrafterTest {
    private static final Cancellation NEVER = new Cancellation(() -> false);

    private final LookupDrafter drafter = new LookupDrafter();

    private int[] guess(int most, int... tokens) {
        int[] guesses = new int[Drafter.MOST];
        int count = drafter.propose(tokens, tokens.length, guesses, most, NEVER);
        return Arrays.copyOf(guesses, count);
    }

    @Test
    void nothingIsGuessedBehindWhatWasNotThereBefore() {
        assertThat(guess(4)).isEmpty();
        assertThat(guess(4, 1)).isEmpty();
        assertThat(guess(4, 1, 2)).isEmpty();
        assertThat(guess(4, 1, 2, 3, 2, 1)).isEmpty();
    }

    @Test
    void itGoesOnAsBefore() {
        assertThat(guess(3, 1, 2, 3, 4, 5, 1, 2)).containsExactly(3, 4, 5);
        assertThat(drafter.kind()).isZero();
    }

    @Test
    void theLastPlaceIsTakenAmongThoseThatAgreeAsFar() {
        assertThat(guess(1, 1, 2, 3, 9, 1, 2, 4, 8, 1, 2)).containsExactly(4);
    }

    @Test
    void aLongerAgreementGoesBeforeALaterOne() {
        assertThat(guess(1, 7, 1, 2, 3, 9, 1, 2, 4, 7, 1, 2)).containsExactly(3);
        assertThat(drafter.kind()).isEqualTo(1);
    }

    @Test
    void whatIsRepeatedGoesOnBeyondItsEnd() {
        assertThat(guess(7, 1, 2, 3, 1, 2)).containsExactly(3, 1, 2, 3, 1, 2, 3);
        assertThat(new LookupDrafter().propose(new int[] {5, 5, 5}, 3, new int[4], 4, NEVER))
                .isEqualTo(4);
    }

    /** Against looking at every place. */
    @Test
    void isFoundAsTheTextGrows() {
        SplittableRandom random = new SplittableRandom(5);
        int[] tokens = random.ints(3000, 0, 40).toArray();
        int[] guesses = new int[Drafter.MOST];
        int found = 0;
        for (int count = 2; count < tokens.length; count += random.nextInt(1, 4)) {
            int made = drafter.propose(tokens, count, guesses, 1, NEVER);
            int longest = 0;
            for (int place = count - 2; place >= 1; place--) {
                longest = Math.max(longest, common(tokens, place, count - 1));
            }
            assertThat(made > 0).as("after %d", count).isEqualTo(longest >= 2);
            if (made > 0) {
                found++;
                assertThat(drafter.kind()).isEqualTo(longest - 2);
            }
        }
        assertThat(found).isGreaterThan(500);
    }

    private static int common(int[] tokens, int earlier, int later) {
        int length = 0;
        while (length < 9 && length <= earlier && tokens[earlier - length] == tokens[later - length]) {
            length++;
        }
        return length;
    }
}
