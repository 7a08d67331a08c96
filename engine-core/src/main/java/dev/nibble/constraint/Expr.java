package dev.nibble.constraint;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A language over bytes and calls of {@link Rule}s, as an immutable expression made by {@link Exprs}, which has each
 * expression once: equal ones are the same object. What an expression leaves after a byte is its derivative, another
 * expression; expressions are therefore the states of an automaton that is built as far as it is walked.
 */
final class Expr {
    enum Kind {
        /** No text at all. */
        NOTHING,
        /** The empty text alone. */
        EMPTY,
        /** One byte of a set. */
        BYTES,
        /** A first part, which is no concatenation, and a second. */
        CONCAT,
        /** One of two or more parts, none of them an alternative. */
        ALTERNATIVE,
        /** A part {@code min} to {@code max} times; {@link Expr#UNBOUNDED} for no end. */
        REPEAT,
        /** Every part at once; only where no rule is called. */
        AND,
        /** What the part is not; only where no rule is called. */
        NOT,
        /** A text of the rule. */
        CALL,
        /** A state of a complete automaton. */
        STATE,
        /** What the generator makes when it is needed. */
        LAZY
    }

    /** An expression made when it is walked into, as the members of an object are; equal ones make equal expressions. */
    interface Generator {
        Expr expand(Exprs exprs);

        /** Whether the empty text is among what {@link #expand} makes. */
        boolean nullable();
    }

    /** A call that an expression begins with, and what follows it. */
    record Call(Rule rule, Expr rest) {}

    static final int UNBOUNDED = Integer.MAX_VALUE;

    /** What made it and makes its derivatives. */
    private final Exprs exprs;

    final Kind kind;
    final Expr[] parts;
    final ByteSet bytes;
    final int min;
    final int max;
    /** The {@link Rule}, the {@link Automaton} or the {@link Generator}. */
    final @Nullable Object payload;
    /** Whether it holds the empty text, calls left out. */
    final boolean nullable;
    /** Numbers expressions in the order in which they were made. */
    final int id;

    private final int hash;

    /** [256] what is left after each byte; null until asked for. */
    Expr @Nullable [] next;

    /** The calls it begins with; null until asked for. */
    @Nullable List<Call> calls;

    /** What a {@link Kind#LAZY} expression expands to; null until asked for. */
    @Nullable Expr expanded;

    Expr(
            Exprs exprs,
            Kind kind,
            Expr[] parts,
            ByteSet bytes,
            int min,
            int max,
            @Nullable Object payload,
            boolean nullable,
            int id) {
        this.exprs = exprs;
        this.kind = kind;
        this.parts = parts;
        this.bytes = bytes;
        this.min = min;
        this.max = max;
        this.payload = payload;
        this.nullable = nullable;
        this.id = id;
        int mixed = 31 * (31 * (31 * kind.hashCode() + bytes.hashCode()) + min) + max;
        for (Expr part : parts) {
            mixed = 31 * mixed + System.identityHashCode(part);
        }
        hash = 31 * mixed + Objects.hashCode(payload);
    }

    /** What is left after each byte, [256]. */
    Expr[] next() {
        Expr[] known = next;
        return known == null ? exprs.derivatives().next(this) : known;
    }

    /** The calls that it begins with. */
    List<Call> calls() {
        List<Call> known = calls;
        return known == null ? exprs.derivatives().calls(this) : known;
    }

    /** Whether no text can follow. */
    boolean isNothing() {
        return kind == Kind.NOTHING;
    }

    /** Whether the empty text alone follows. */
    boolean isEmpty() {
        return kind == Kind.EMPTY;
    }

    /** Whether it is a part or nothing. */
    boolean isOptional() {
        return kind == Kind.REPEAT && min == 0 && max == 1;
    }

    /** Which of the expressions of a constraint, or of those that all share, it is of. */
    Exprs exprs() {
        return exprs;
    }

    /** Whether the same expression was asked for: the parts are compared by identity, as each exists once. */
    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Expr expr) || hash != expr.hash || kind != expr.kind) {
            return this == other;
        }
        if (parts.length != expr.parts.length || min != expr.min || max != expr.max || !bytes.equals(expr.bytes)) {
            return false;
        }
        for (int i = 0; i < parts.length; i++) {
            if (parts[i] != expr.parts[i]) {
                return false;
            }
        }
        return Objects.equals(payload, expr.payload);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    /** For messages of failed tests. */
    @Override
    public String toString() {
        return switch (kind) {
            case NOTHING -> "∅";
            case EMPTY -> "ε";
            case BYTES -> bytes.toString();
            case REPEAT -> parts[0] + "{" + min + "," + (max == UNBOUNDED ? "" : max) + "}";
            case CONCAT -> parts[0] + " " + parts[1];
            case CALL, STATE, LAZY -> String.valueOf(payload);
            default -> kind + Arrays.toString(parts);
        };
    }
}
