package dev.nibble.constraint;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Texts made by choosing at random among the tokens that a constraint allows. */
final class RandomWalk {
    private static final String CHARACTERS = "{}[]\":,0159.-eabtruné ";

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

    /** A text with a character put in, left out from there on, or replaced. */
    static String changed(String text, Random random) {
        StringBuilder changed = new StringBuilder(text);
        int at = random.nextInt(text.length() + 1);
        char c = CHARACTERS.charAt(random.nextInt(CHARACTERS.length()));
        boolean pair = at < text.length() && Character.isSurrogate(text.charAt(at));
        switch (random.nextInt(3)) {
            case 0 -> changed.insert(pair && Character.isLowSurrogate(text.charAt(at)) ? 0 : at, c);
            case 1 -> changed.setLength(pair ? 0 : at);
            default -> {
                if (at < text.length() && !pair) {
                    changed.setCharAt(at, c);
                }
            }
        }
        return changed.toString();
    }
}
