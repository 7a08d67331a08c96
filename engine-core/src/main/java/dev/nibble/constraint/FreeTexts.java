package dev.nibble.constraint;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Texts in which some marks do not occur, with any control tokens in them. Made once for each list of marks, so that what is
 * found out about them for a vocabulary serves all constraints.
 */
final class FreeTexts {
    /** States at the most: one for each character of the marks, and a few. */
    private static final int MAX_STATES = 20_000;
    /** Texts kept at the most; those beyond are made for each constraint. */
    private static final int MAX_KEPT = 1_000;

    /**
     * A kind of text.
     *
     * @param marks what does not occur, but at the end
     * @param end the mark that ends it, empty for none
     * @param first characters that its first one, white space aside, is none of
     */
    private record Kind(List<String> marks, String end, String first) {}

    private static final Map<Kind, Expr> KEPT = new ConcurrentHashMap<>();

    private FreeTexts() {}

    /**
     * Text without marks.
     *
     * @param first characters that its first one, white space aside, is none of
     * @throws IllegalArgumentException if a mark is empty
     */
    static Expr without(List<String> marks, String first) {
        return of(new Kind(List.copyOf(marks), "", first));
    }

    /** Text up to a mark and with it, before which none of the marks occurs, nor itself. */
    static Expr upTo(String end, List<String> marks) {
        List<String> all = new ArrayList<>(marks);
        if (!all.contains(end)) {
            all.add(end);
        }
        return of(new Kind(List.copyOf(all), end, ""));
    }

    private static Expr of(Kind kind) {
        Expr known = KEPT.get(kind);
        if (known == null) {
            known = make(kind);
            if (KEPT.size() < MAX_KEPT) {
                Expr before = KEPT.putIfAbsent(kind, known);
                known = before == null ? known : before;
            }
        }
        return known;
    }

    private static Expr make(Kind kind) {
        Exprs exprs = new Exprs();
        Expr bytes = exprs.star(exprs.bytes(ByteSet.range(0, 0xFF)));
        List<Expr> found = new ArrayList<>();
        for (String mark : kind.marks) {
            if (mark.isEmpty()) {
                throw new IllegalArgumentException("a mark must not be empty");
            }
            found.add(exprs.concat(bytes, exprs.literal(mark), bytes));
        }
        Expr before = found.isEmpty() ? bytes : exprs.not(exprs.alternative(found));
        Expr end = kind.end.isEmpty() ? exprs.empty : mark(exprs, kind.end);
        List<Expr> all = new ArrayList<>(List.of(any(exprs), exprs.concat(before, end)));
        if (!kind.first.isEmpty()) {
            all.add(beginning(exprs, kind.first));
        }
        return Automaton.determine(exprs, exprs.and(all.toArray(Expr[]::new)), MAX_STATES);
    }

    /** Characters and control tokens. */
    private static Expr any(Exprs exprs) {
        Expr frame = frame(exprs);
        Expr character = Characters.PLAIN.spell(exprs, CodePointSet.ALL);
        return exprs.star(exprs.alternative(character, exprs.concat(frame, exprs.star(character), frame)));
    }

    private static Expr beginning(Exprs exprs, String first) {
        CodePointSet space = CodePointSet.of(' ').or(CodePointSet.range('\t', '\r'));
        CodePointSet not = space;
        for (int c : first.codePoints().toArray()) {
            not = not.or(CodePointSet.of(c));
        }
        Expr begins = exprs.alternative(Characters.PLAIN.spell(exprs, not.complement()), frame(exprs));
        Expr bytes = exprs.star(exprs.bytes(ByteSet.range(0, 0xFF)));
        return exprs.concat(
                exprs.star(Characters.PLAIN.spell(exprs, space)), exprs.optional(exprs.concat(begins, bytes)));
    }

    /** A mark as text or as the control token that is written so. */
    static Expr mark(Exprs exprs, String text) {
        Expr frame = frame(exprs);
        Expr literal = exprs.literal(text);
        return exprs.alternative(literal, exprs.concat(frame, literal, frame));
    }

    private static Expr frame(Exprs exprs) {
        return exprs.bytes(ByteSet.of(VocabularyTrie.CONTROL & 0xFF));
    }
}
