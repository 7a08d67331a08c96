package dev.nibble.constraint;

import dev.nibble.constraint.Expr.Call;
import dev.nibble.constraint.Expr.Generator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What an expression leaves after each byte (Brzozowski 1964), and the rules it begins with. Both are worked out when they are
 * first asked for and kept in the expression.
 */
final class Derivatives {
    private final Exprs exprs;

    Derivatives(Exprs exprs) {
        this.exprs = exprs;
    }

    /** What {@code expr} leaves after each byte, [256]. */
    Expr[] next(Expr expr) {
        Expr[] known = expr.next;
        if (known == null) {
            ByteClasses classes = new ByteClasses();
            firsts(expr, classes);
            Expr[] made = new Expr[256];
            Expr[] byClass = new Expr[classes.count()];
            for (int b = 0; b < 256; b++) {
                int group = classes.of(b);
                Expr left = byClass[group];
                if (left == null) {
                    left = derive(expr, b);
                    byClass[group] = left;
                }
                made[b] = left;
            }
            expr.next = made;
            known = made;
        }
        return known;
    }

    /** Splits the bytes into those that {@code expr} cannot tell apart as its first. */
    private void firsts(Expr expr, ByteClasses classes) {
        switch (expr.kind) {
            case BYTES -> classes.split(expr.bytes);
            case CONCAT -> {
                Expr rest = expr;
                for (; rest.kind == Expr.Kind.CONCAT; rest = rest.parts[1]) {
                    firsts(rest.parts[0], classes);
                    if (!rest.parts[0].nullable) {
                        return;
                    }
                }
                firsts(rest, classes);
            }
            case ALTERNATIVE, REPEAT, AND, NOT -> {
                for (Expr part : expr.parts) {
                    firsts(part, classes);
                }
            }
            case STATE -> ((Automaton) payload(expr)).split(expr.min, classes);
            case LAZY -> firsts(expanded(expr), classes);
            case NOTHING, EMPTY, CALL -> {}
        }
    }

    private Expr derive(Expr expr, int b) {
        return switch (expr.kind) {
            case NOTHING, EMPTY, CALL -> exprs.nothing;
            case BYTES -> expr.bytes.contains(b) ? exprs.empty : exprs.nothing;
            case CONCAT -> {
                // By a loop, as there may be many parts that need not be there.
                List<Expr> left = new ArrayList<>(2);
                Expr rest = expr;
                boolean reached = true;
                for (; reached && rest.kind == Expr.Kind.CONCAT; rest = rest.parts[1]) {
                    left.add(exprs.concat(derive(rest.parts[0], b), rest.parts[1]));
                    reached = rest.parts[0].nullable;
                }
                if (reached) {
                    left.add(derive(rest, b));
                }
                yield exprs.alternative(left);
            }
            case ALTERNATIVE -> {
                List<Expr> left = new ArrayList<>(expr.parts.length);
                for (Expr part : expr.parts) {
                    Expr rest = derive(part, b);
                    if (rest != exprs.nothing) {
                        left.add(rest);
                    }
                }
                yield exprs.alternative(left);
            }
            case REPEAT -> exprs.concat(derive(expr.parts[0], b), less(expr));
            case AND ->
                exprs.and(Arrays.stream(expr.parts).map(part -> derive(part, b)).toArray(Expr[]::new));
            case NOT -> exprs.not(derive(expr.parts[0], b));
            case STATE -> {
                Automaton automaton = (Automaton) payload(expr);
                yield exprs.state(automaton, automaton.next(expr.min, b));
            }
            case LAZY -> next(expanded(expr))[b];
        };
    }

    /** A repetition after one of its parts. */
    private Expr less(Expr repeat) {
        int max = repeat.max == Expr.UNBOUNDED ? Expr.UNBOUNDED : repeat.max - 1;
        return exprs.repeat(repeat.parts[0], Math.max(0, repeat.min - 1), max);
    }

    static Object payload(Expr expr) {
        if (expr.payload == null) {
            throw new IllegalStateException("an expression without its payload: " + expr.kind);
        }
        return expr.payload;
    }

    /** What a lazy expression stands for. */
    Expr expanded(Expr expr) {
        Expr known = expr.expanded;
        if (known == null) {
            known = ((Generator) payload(expr)).expand(exprs);
            expr.expanded = known;
        }
        return known;
    }

    /** The calls that {@code expr} begins with. */
    List<Call> calls(Expr expr) {
        List<Call> known = expr.calls;
        if (known == null) {
            Map<Call, Boolean> found = new HashMap<>();
            List<Call> ordered = new ArrayList<>();
            collectCalls(expr, exprs.empty, call -> {
                if (found.putIfAbsent(call, true) == null) {
                    ordered.add(call);
                }
            });
            known = List.copyOf(ordered);
            expr.calls = known;
        }
        return known;
    }

    private void collectCalls(Expr expr, Expr after, Consumer<Call> found) {
        switch (expr.kind) {
            case CALL -> found.accept(new Call((Rule) payload(expr), after));
            case CONCAT -> {
                Expr rest = expr;
                for (; rest.kind == Expr.Kind.CONCAT; rest = rest.parts[1]) {
                    collectCalls(rest.parts[0], exprs.concat(rest.parts[1], after), found);
                    if (!rest.parts[0].nullable) {
                        return;
                    }
                }
                collectCalls(rest, after, found);
            }
            case ALTERNATIVE -> {
                for (Expr part : expr.parts) {
                    collectCalls(part, after, found);
                }
            }
            case REPEAT -> collectCalls(expr.parts[0], exprs.concat(less(expr), after), found);
            case LAZY -> collectCalls(expanded(expr), after, found);
            case NOTHING, EMPTY, BYTES, AND, NOT, STATE -> {}
        }
    }
}
