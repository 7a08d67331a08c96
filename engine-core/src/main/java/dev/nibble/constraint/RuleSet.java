package dev.nibble.constraint;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Makes the rules of a grammar ready to be matched: those that no text can satisfy are dropped, small ones that do not call
 * themselves are put where they are called, and left recursion is refused.
 */
final class RuleSet {
    /** Parts of a rule that is put in place of its calls at the most. */
    private static final int MAX_INLINED = 500;

    private final Exprs exprs;
    private final Map<Rule, Expr> bodies;
    private final Map<Rule, Set<Rule>> calls = new LinkedHashMap<>();
    private final Map<Rule, Expr> resolved = new HashMap<>();
    private Set<Rule> productive = Set.of();
    private Set<Rule> nullable = Set.of();

    RuleSet(Exprs exprs, Map<Rule, Expr> bodies) {
        this.exprs = exprs;
        this.bodies = bodies;
        bodies.forEach((rule, body) -> {
            Set<Rule> called = new LinkedHashSet<>();
            exprs.substitute(body, inner -> {
                called.add(inner);
                return exprs.call(inner);
            });
            called.retainAll(bodies.keySet());
            calls.put(rule, called);
        });
    }

    /**
     * What {@code root} stands for.
     *
     * @throws ConstraintException if no text can satisfy it, or a rule begins with itself
     */
    Expr resolve(Rule root) {
        productive = fixpoint(this::isProductive);
        if (!productive.contains(root)) {
            throw new ConstraintException("no text can satisfy the grammar: the rule " + root + " never ends");
        }
        nullable = fixpoint(this::isNullable);
        checkLeft();
        RuleGraph graph = new RuleGraph(calls);
        Set<Rule> recursive = graph.recursive();
        for (Rule rule : graph.calledFirst()) {
            Expr body = exprs.nothing;
            if (productive.contains(rule)) {
                body = replaced(bodies.getOrDefault(rule, exprs.nothing));
                if (recursive.contains(rule) || size(body, MAX_INLINED) > MAX_INLINED) {
                    rule.define(body);
                    body = exprs.call(rule);
                }
            }
            resolved.put(rule, body);
        }
        return Objects.requireNonNull(resolved.get(root));
    }

    private interface Property {
        boolean holds(Expr expr, Set<Rule> known);
    }

    /** The rules whose bodies have a property, which calls of rules that have it may give them. */
    private Set<Rule> fixpoint(Property property) {
        Map<Rule, List<Rule>> callers = new HashMap<>();
        calls.forEach((rule, called) -> called.forEach(inner ->
                callers.computeIfAbsent(inner, key -> new ArrayList<>()).add(rule)));
        Set<Rule> known = new HashSet<>();
        Deque<Rule> open = new ArrayDeque<>(bodies.keySet());
        while (!open.isEmpty()) {
            Rule rule = open.removeLast();
            if (!known.contains(rule) && property.holds(bodies.getOrDefault(rule, exprs.nothing), known)) {
                known.add(rule);
                open.addAll(callers.getOrDefault(rule, List.of()));
            }
        }
        return known;
    }

    private boolean isProductive(Expr expr, Set<Rule> known) {
        return switch (expr.kind) {
            case NOTHING -> false;
            case CALL -> known.contains((Rule) expr.payload);
            case CONCAT -> all(expr, part -> isProductive(part, known));
            case ALTERNATIVE -> any(expr, part -> isProductive(part, known));
            case REPEAT -> expr.min == 0 || isProductive(expr.parts[0], known);
            default -> true;
        };
    }

    private boolean isNullable(Expr expr, Set<Rule> known) {
        return switch (expr.kind) {
            case CALL -> known.contains((Rule) expr.payload);
            case CONCAT -> all(expr, part -> isNullable(part, known));
            case ALTERNATIVE -> any(expr, part -> isNullable(part, known));
            case REPEAT -> expr.nullable || isNullable(expr.parts[0], known);
            default -> expr.nullable;
        };
    }

    private static boolean all(Expr expr, java.util.function.Predicate<Expr> test) {
        Expr rest = expr;
        for (; rest.kind == Expr.Kind.CONCAT; rest = rest.parts[1]) {
            if (!test.test(rest.parts[0])) {
                return false;
            }
        }
        return test.test(rest);
    }

    private static boolean any(Expr expr, java.util.function.Predicate<Expr> test) {
        for (Expr part : expr.parts) {
            if (test.test(part)) {
                return true;
            }
        }
        return false;
    }

    private void checkLeft() {
        Map<Rule, Set<Rule>> first = new LinkedHashMap<>();
        bodies.forEach((rule, body) -> {
            Set<Rule> begins = new LinkedHashSet<>();
            leading(body, begins);
            begins.retainAll(bodies.keySet());
            first.put(rule, begins);
        });
        for (Rule rule : new RuleGraph(first).recursive()) {
            Set<Rule> begins = Objects.requireNonNull(first.get(rule));
            throw new ConstraintException("left recursion is not supported: the rule " + rule + " begins with itself"
                    + (begins.contains(rule)
                            ? ""
                            : " through " + begins.iterator().next())
                    + "; write the repetition to the right or with *");
        }
    }

    /** Adds the rules that may be called before a byte was read. */
    private void leading(Expr expr, Set<Rule> into) {
        switch (expr.kind) {
            case CALL -> into.add((Rule) Derivatives.payload(expr));
            case CONCAT -> {
                Expr rest = expr;
                for (; rest.kind == Expr.Kind.CONCAT; rest = rest.parts[1]) {
                    leading(rest.parts[0], into);
                    if (!isNullable(rest.parts[0], nullable)) {
                        return;
                    }
                }
                leading(rest, into);
            }
            case ALTERNATIVE, REPEAT -> {
                for (Expr part : expr.parts) {
                    leading(part, into);
                }
            }
            default -> {}
        }
    }

    /** A body with what the rules that it calls stand for, as far as that is known. */
    private Expr replaced(Expr body) {
        return exprs.substitute(body, rule -> {
            Expr known = resolved.get(rule);
            if (known != null) {
                return known;
            }
            return bodies.containsKey(rule) && !productive.contains(rule) ? exprs.nothing : exprs.call(rule);
        });
    }

    /** Parts of an expression, counted until there are more than {@code limit}. */
    private static int size(Expr expr, int limit) {
        int count = 1;
        for (Expr part : expr.parts) {
            if (count > limit) {
                return count;
            }
            count += size(part, limit - count);
        }
        return count;
    }
}
