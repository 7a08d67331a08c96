package dev.nibble.constraint;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Texts made by choosing at random among the tokens that a constraint allows. */
final class RandomWalk {
    private RandomWalk() {}

    /** A text; null if it has not ended after so many tokens. It ends where it may as often as not. */
    static @Nullable String text(Constraint constraint, Random random, int maxTokens) {
        Matcher matcher = constraint.matcher(Feeding.MASKS);
        long[] mask = new long[matcher.maskWords()];
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        for (int i = 0; i < maxTokens; i++) {
            boolean any = matcher.mask(mask);
            if (matcher.isComplete() && (!any || random.nextBoolean())) {
                return text.toString(StandardCharsets.UTF_8);
            }
            int count = 0;
            for (long word : mask) {
                count += Long.bitCount(word);
            }
            // Quotes and brackets more often than their share, so that strings and lists come to an end.
            int token = -1;
            if (random.nextInt(3) == 0) {
                for (char c : "\"}],:".toCharArray()) {
                    if ((mask[c >> 6] >>> c & 1) != 0) {
                        token = c;
                    }
                }
            }
            int left = random.nextInt(count);
            for (int id = 0; token < 0; id++) {
                if ((mask[id >> 6] >>> id & 1) != 0 && left-- == 0) {
                    token = id;
                }
            }
            text.writeBytes(Feeding.TOKENS[token]);
            matcher = matcher.accept(token);
        }
        return null;
    }
}
