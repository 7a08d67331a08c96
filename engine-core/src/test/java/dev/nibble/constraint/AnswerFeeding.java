package dev.nibble.constraint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/** Feeds answers to constraints, with what looks like a control token in them as such, or as text. */
public final class AnswerFeeding {
    /** What {@link #feed} gives where all of the text may come but not the end. */
    public static final int CUT = Integer.MAX_VALUE;

    private static final Pattern CONTROL = Pattern.compile("<[|｜][^<> ]{1,40}>|</?(think|tool_call)>|\\[[A-Z_]+]");

    private AnswerFeeding() {}

    /** -1 if the text is accepted, {@link #CUT} if only its end is not, else the characters before the refused token. */
    public static int feed(Constraint constraint, String text, boolean controls) {
        List<String> pieces = new ArrayList<>();
        java.util.regex.Matcher marks = CONTROL.matcher(text);
        int from = 0;
        while (controls && marks.find()) {
            characters(text.substring(from, marks.start()), pieces);
            pieces.add(marks.group());
            from = marks.end();
        }
        characters(text.substring(from), pieces);
        List<String> distinct = pieces.stream().distinct().toList();
        byte[][] tokens = distinct.stream()
                .map(piece ->
                        CONTROL.matcher(piece).matches() ? control(piece) : piece.getBytes(StandardCharsets.UTF_8))
                .toArray(byte[][]::new);
        Matcher matcher = constraint.matcher(new TokenMasks(new VocabularyTrie(tokens)));
        long[] mask = new long[matcher.maskWords()];
        int at = 0;
        for (String piece : pieces) {
            int token = distinct.indexOf(piece);
            matcher.mask(mask);
            boolean allowed = (mask[token >> 6] >>> token & 1) != 0;
            if (allowed != matcher.allows(token)) {
                throw new AssertionError("mask and matcher disagree on " + piece);
            }
            if (!allowed) {
                return at;
            }
            matcher = matcher.accept(token);
            at += piece.length();
        }
        return matcher.isComplete() ? -1 : CUT;
    }

    private static void characters(String text, List<String> pieces) {
        text.codePoints().forEach(c -> pieces.add(Character.toString(c)));
    }

    private static byte[] control(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        byte[] framed = Arrays.copyOf(new byte[] {VocabularyTrie.CONTROL}, utf8.length + 2);
        System.arraycopy(utf8, 0, framed, 1, utf8.length);
        framed[framed.length - 1] = VocabularyTrie.CONTROL;
        return framed;
    }
}
