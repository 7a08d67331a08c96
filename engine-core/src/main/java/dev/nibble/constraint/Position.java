package dev.nibble.constraint;

import dev.nibble.constraint.Expr.Call;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where a text stands in a constraint: every expression that may be continued, with what called it. Immutable, so keeping
 * one is all that a copy or a way back needs.
 */
final class Position {
    /** A way to go on: an expression with a byte that may come next, and the frame it returns to. */
    record Head(Expr expr, @Nullable Frame caller) {}

    /** Ways to read a text at the same time at the most; a grammar needs more only where it is ambiguous beyond use. */
    private static final int MAX_HEADS = 2_000;

    static final Position DEAD = new Position(List.of(), false);

    final Head[] heads;
    /** Whether the text may end here. */
    final boolean complete;

    private Position(List<Head> heads, boolean complete) {
        this.heads = heads.toArray(Head[]::new);
        this.complete = complete;
    }

    /** The position at the beginning of {@code expr}, which then returns to nothing. */
    static Position start(Expr expr) {
        return closure(List.of(new Head(expr, null)));
    }

    /** A position in {@code expr} alone: a rule that it begins with is not entered, as that is a head of its own. */
    static Position unclosed(Expr expr) {
        return new Position(List.of(new Head(expr, null)), false);
    }

    /** The position after one more byte. */
    Position next(int b) {
        List<Head> moved = new ArrayList<>(heads.length);
        for (Head head : heads) {
            Expr left = head.expr.next()[b];
            if (!left.isNothing()) {
                moved.add(new Head(left, head.caller));
            }
        }
        return moved.isEmpty() ? DEAD : closure(moved);
    }

    /** Whether two bytes lead to the same. */
    boolean cannotTell(int a, int b) {
        for (Head head : heads) {
            Expr[] next = head.expr.next();
            if (next[a] != next[b]) {
                return false;
            }
        }
        return true;
    }

    /** The only byte that may come next, -1 if there are several or none. */
    int onlyByte() {
        int only = -1;
        for (Head head : heads) {
            Expr[] next = head.expr.next();
            for (int b = 0; b < 256; b++) {
                if (b != only && !next[b].isNothing()) {
                    if (only >= 0) {
                        return -1;
                    }
                    only = b;
                }
            }
        }
        return only;
    }

    /** Whether nothing can follow and the text is none of the constraint's. */
    boolean isDead() {
        return heads.length == 0 && !complete;
    }

    /** Enters the rules that are called, and leaves those that may end. */
    private static Position closure(List<Head> from) {
        List<Head> open = new ArrayList<>(from);
        List<Head> heads = new ArrayList<>();
        Set<Head> seen = new HashSet<>(from);
        boolean complete = false;
        for (int i = 0; i < open.size(); i++) {
            Head head = open.get(i);
            if (hasByte(head.expr)) {
                heads.add(head);
            }
            for (Call call : head.expr.calls()) {
                Frame back = call.rest().isEmpty() ? head.caller : new Frame(call.rest(), head.caller);
                add(open, seen, new Head(call.rule().body(), back));
            }
            if (head.expr.nullable) {
                if (head.caller == null) {
                    complete = true;
                } else {
                    add(open, seen, new Head(head.caller.rest, head.caller.caller));
                }
            }
            if (open.size() > MAX_HEADS) {
                throw new ConstraintException(
                        "the grammar is too ambiguous: this text can be read in more than " + MAX_HEADS + " ways");
            }
        }
        return new Position(heads, complete);
    }

    private static void add(List<Head> open, Set<Head> seen, Head head) {
        if (seen.add(head)) {
            open.add(head);
        }
    }

    private static boolean hasByte(Expr expr) {
        Expr before = null;
        for (Expr left : expr.next()) {
            if (left != before && !left.isNothing()) {
                return true;
            }
            before = left;
        }
        return false;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Position position
                && complete == position.complete
                && java.util.Arrays.equals(heads, position.heads);
    }

    @Override
    public int hashCode() {
        return java.util.Arrays.hashCode(heads) + (complete ? 1 : 0);
    }
}
