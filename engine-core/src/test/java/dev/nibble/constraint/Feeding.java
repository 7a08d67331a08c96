package dev.nibble.constraint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Feeds texts to constraints token by token, cut in several ways, and checks each mask on the way. */
final class Feeding {
    /** Every byte, and pieces as vocabularies have them: so a text can be cut in many ways. */
    static final byte[][] TOKENS = tokens();

    static final TokenMasks MASKS = new TokenMasks(new VocabularyTrie(TOKENS));

    private Feeding() {}

    private static byte[][] tokens() {
        List<byte[]> tokens = new ArrayList<>();
        for (int b = 0; b < 256; b++) {
            tokens.add(new byte[] {(byte) b});
        }
        String pieces = "{\" \": , \", \": {\" \"} }} }, ]] [[ [\" \\n \\\" \\u0 true false null 00 10 12 25 1. .5 -1 e+ a b "
                + "ab abc on off in ing the ight light turn é ö 日本 🙂 id name value order Id \n \t () (( )) \"a \"b \"c 19 20";
        for (String piece : pieces.split(" ")) {
            if (!piece.isEmpty()) {
                tokens.add(piece.getBytes(StandardCharsets.UTF_8));
            }
        }
        byte[] emoji = "🙂".getBytes(StandardCharsets.UTF_8);
        tokens.add(Arrays.copyOf(emoji, 2));
        tokens.add(Arrays.copyOfRange(emoji, 2, 4));
        tokens.add(", ".getBytes(StandardCharsets.UTF_8));
        tokens.add(": ".getBytes(StandardCharsets.UTF_8));
        return tokens.toArray(byte[][]::new);
    }

    /**
     * Whether a text is accepted.
     *
     * @param mode 0: byte by byte, 1: the longest tokens, else random cuts
     * @return -1 if it is accepted, the number of bytes before the token that was refused, or the length if only the end is
     */
    static int feed(Constraint constraint, String text, int mode) {
        Random random = new Random(mode);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        Matcher matcher = constraint.matcher(MASKS);
        long[] mask = new long[matcher.maskWords()];
        for (int at = 0; at < bytes.length; ) {
            int token = cut(bytes, at, mode, random);
            boolean any = matcher.mask(mask);
            checkMask(matcher, mask, any, random);
            boolean allowed = (mask[token >> 6] >>> token & 1) != 0;
            if (allowed != matcher.allows(token)) {
                throw new AssertionError("mask and matcher disagree on token " + token + " at " + at + " of " + text);
            }
            if (!allowed) {
                return at;
            }
            matcher = matcher.accept(token);
            at += TOKENS[token].length;
        }
        boolean any = matcher.mask(mask);
        if (!any && !matcher.isComplete()) {
            throw new AssertionError("nothing may follow " + text);
        }
        checkMask(matcher, mask, any, random);
        return matcher.isComplete() ? -1 : bytes.length;
    }

    private static void checkMask(Matcher matcher, long[] mask, boolean any, Random random) {
        if (!any && !matcher.isComplete()) {
            throw new AssertionError("a state without a token");
        }
        for (int i = 0; i < 40; i++) {
            int token = random.nextInt(TOKENS.length);
            if ((mask[token >> 6] >>> token & 1) != 0 != matcher.allows(token)) {
                throw new AssertionError("mask and matcher disagree on token " + token + " " + new String(TOKENS[token], StandardCharsets.UTF_8));
            }
        }
    }

    private static int cut(byte[] bytes, int at, int mode, Random random) {
        List<Integer> fitting = new ArrayList<>();
        for (int token = 0; token < TOKENS.length; token++) {
            int length = TOKENS[token].length;
            if (at + length <= bytes.length && Arrays.equals(TOKENS[token], 0, length, bytes, at, at + length)) {
                fitting.add(token);
            }
        }
        if (mode == 0) {
            return fitting.getFirst();
        }
        if (mode == 1) {
            return fitting.stream()
                    .max((a, b) -> Integer.compare(TOKENS[a].length, TOKENS[b].length))
                    .orElseThrow();
        }
        return fitting.get(random.nextInt(fitting.size()));
    }
}
