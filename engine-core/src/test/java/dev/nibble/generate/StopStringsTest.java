package dev.nibble.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StopStringsTest {

    @Test
    void agreesWithSearchingTheWholeTextHoweverItIsCut() {
        SplittableRandom random = new SplittableRandom(1);
        int found = 0;
        for (int round = 0; round < 20_000; round++) {
            String text = letters(random, random.nextInt(20));
            List<String> stops = new ArrayList<>();
            for (int i = random.nextInt(4); i > 0; i--) {
                stops.add(letters(random, 1 + random.nextInt(4)));
            }
            StopStrings matcher = new StopStrings(stops);
            StringBuilder given = new StringBuilder();
            int at = 0;
            while (at < text.length() && !matcher.found()) {
                int end = Math.min(text.length(), at + random.nextInt(5));
                given.append(matcher.append(text.substring(at, end)));
                at = end;
                String shown = given.toString();
                assertThat(stops).noneMatch(shown::contains);
            }
            if (matcher.found()) {
                found++;
                // Of what has arrived, everything before the first stop string.
                int first = stops.stream()
                        .mapToInt(text.substring(0, at)::indexOf)
                        .filter(i -> i >= 0)
                        .min()
                        .orElseThrow();
                assertThat(given).hasToString(text.substring(0, first));
            } else {
                assertThat(stops).noneMatch(text::contains);
                assertThat(given.append(matcher.flush())).hasToString(text);
            }
        }
        assertThat(found).isBetween(2_000, 18_000);
    }

    @Test
    void holdsBackNoMoreThanItMust() {
        StopStrings matcher = new StopStrings(List.of("<end>", "\n\n"));
        assertThat(matcher.append("a <e")).isEqualTo("a ");
        assertThat(matcher.append("m> b\n")).isEqualTo("<em> b");
        assertThat(matcher.append("c")).isEqualTo("\nc");
        assertThat(matcher.append("d<end> and on")).isEqualTo("d");
        assertThat(matcher.found()).isTrue();
        assertThat(matcher.append("more")).isEmpty();
        assertThat(matcher.flush()).isEmpty();
    }

    private static String letters(SplittableRandom random, int length) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append((char) ('a' + random.nextInt(2)));
        }
        return text.toString();
    }
}
