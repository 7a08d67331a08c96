package dev.nibble.constraint;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
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
    private final Map<Rule, Expr> resolved = new HashMap<>();
    private final Set<Rule> running = new HashSet<>();
    private final Set<Rule> recursive = new HashSet<>();
    private Set<Rule> productive = Set.of();
    private Set<Rule> nullable = Set.of();

    RuleSet(Exprs exprs, Map<Rule, Expr> bodies) {
        this.exprs = exprs;
        this.bodies = bodies;
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
        bodies.keySet().forEach(rule -> checkLeft(rule, new ArrayList<>(), new HashSet<>()));
        bodies.keySet().forEach(rule -> findRecursion(rule, rule, new HashSet<>()));
        for (Rule rule : recursive) {
            rule.define(replaced(bodies.getOrDefault(rule, exprs.nothing)));
        }
        return recursive.contains(root) ? exprs.call(root) : body(root);
    }

    private interface Property {
        boolean holds(Expr expr, Set<Rule> known);
    }

    /** The rules whose bodies have a property, which calls of rules that have it may give them. */
    private Set<Rule> fixpoint(Property property) {
        Set<Rule> known = new HashSet<>();
        boolean grown = true;
        while (grown) {
            grown = false;
            for (Map.Entry<Rule, Expr> entry : bodies.entrySet()) {
                if (!known.contains(entry.getKey()) && property.holds(entry.getValue(), known)) {
                    known.add(entry.getKey());
                    grown = true;
                }
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

    private void checkLeft(Rule rule, List<Rule> path, Set<Rule> done) {
        if (path.contains(rule)) {
            throw new ConstraintException("left recursion is not supported: the rule " + rule
                    + " begins with itself" + (path.size() > 1 ? " through " + path.getLast() : "")
                    + "; write the repetition to the right or with *");
        }
        if (done.contains(rule)) {
            return;
        }
        path.add(rule);
        Set<Rule> first = new HashSet<>();
        leading(bodies.getOrDefault(rule, exprs.nothing), first);
        first.forEach(next -> checkLeft(next, path, done));
        path.removeLast();
        done.add(rule);
    }

    /** Adds the rules that may be called before a byte was read. */
    private void leading(Expr expr, Set<Rule> into) {
        switch (expr.kind) {
            case CALL -> into.add((Rule) java.util.Objects.requireNonNull(expr.payload));
            case CONCAT -> {
                leading(expr.parts[0], into);
                if (isNullable(expr.parts[0], nullable)) {
                    leading(expr.parts[1], into);
                }
            }
            case ALTERNATIVE, REPEAT -> {
                for (Expr part : expr.parts) {
                    leading(part, into);
                }
            }
            default -> {}
        }
    }

    private void findRecursion(Rule rule, Rule wanted, Set<Rule> seen) {
        Set<Rule> called = new HashSet<>();
        exprs.substitute(bodies.getOrDefault(rule, exprs.nothing), inner -> {
            called.add(inner);
            return exprs.call(inner);
        });
        for (Rule inner : called) {
            if (inner == wanted) {
                recursive.add(wanted);
            } else if (seen.add(inner)) {
                findRecursion(inner, wanted, seen);
            }
        }
    }

    /** The body of a rule that does not call itself. */
    private Expr body(Rule rule) {
        Expr known = resolved.get(rule);
        if (known == null) {
            if (!running.add(rule)) {
                throw new IllegalStateException("the rule " + rule + " calls itself");
            }
            known = productive.contains(rule) ? replaced(bodies.getOrDefault(rule, exprs.nothing)) : exprs.nothing;
            if (size(known, MAX_INLINED) > MAX_INLINED) {
                rule.define(known);
                known = exprs.call(rule);
            }
            running.remove(rule);
            resolved.put(rule, known);
        }
        return known;
    }

    private Expr replaced(Expr body) {
        return exprs.substitute(body, rule -> {
            if (!bodies.containsKey(rule)) {
                return exprs.call(rule);
            }
            if (!productive.contains(rule)) {
                return exprs.nothing;
            }
            return recursive.contains(rule) ? exprs.call(rule) : body(rule);
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
