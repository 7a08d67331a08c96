package dev.nibble.constraint;

import dev.nibble.constraint.Expr.Kind;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** Makes the parts of an alternative fewer without changing what it holds, so that a text is read in few ways. */
final class Alternatives {
    /** Common beginnings of alternatives are taken out within so many others at the most: each calls the next. */
    private static final int MAX_FACTORED = 200;

    private final Exprs exprs;

    /** For these expressions. */
    Alternatives(Exprs exprs) {
        this.exprs = exprs;
    }

    /** The parts and those of parts that are alternatives themselves, each once. */
    Set<Expr> distinct(Collection<Expr> parts) {
        Set<Expr> distinct = new LinkedHashSet<>();
        for (Expr part : parts) {
            if (part.isOptional()) {
                distinct.add(exprs.empty);
                add(part.parts[0], distinct);
            } else {
                add(part, distinct);
            }
        }
        return distinct;
    }

    /**
     * Joins parts, and drops those that others hold.
     *
     * @param depth alternatives that this one is within
     */
    void simplify(Set<Expr> distinct, int depth) {
        if (distinct.size() > 1) {
            joinBytes(distinct);
            joinRepeats(distinct);
            dropContained(distinct);
            factor(distinct, depth);
        }
    }

    private void add(Expr expr, Set<Expr> into) {
        if (expr.kind == Kind.ALTERNATIVE) {
            Collections.addAll(into, expr.parts);
        } else if (expr != exprs.nothing) {
            into.add(expr);
        }
    }

    /** Repetitions of the same before the same, whose numbers go on from one to the other, as one. */
    private void joinRepeats(Set<Expr> distinct) {
        Map<List<Expr>, List<Expr>> alike = new LinkedHashMap<>();
        boolean several = false;
        for (Expr part : distinct) {
            Expr head = head(part);
            if (head.kind == Kind.REPEAT) {
                List<Expr> same = alike.computeIfAbsent(
                        List.of(head.parts[0], part.kind == Kind.CONCAT ? part.parts[1] : exprs.empty),
                        key -> new ArrayList<>(1));
                same.add(part);
                several |= same.size() > 1;
            }
        }
        if (!several) {
            return;
        }
        alike.forEach((what, same) -> {
            same.sort(Comparator.comparingInt(part -> head(part).min));
            for (int i = 0; i < same.size(); ) {
                int least = head(same.get(i)).min;
                int most = head(same.get(i)).max;
                int from = i++;
                for (; i < same.size() && head(same.get(i)).min <= Exprs.sum(most, 1); i++) {
                    most = Math.max(most, head(same.get(i)).max);
                }
                if (i - from > 1) {
                    distinct.removeAll(new HashSet<>(same.subList(from, i)));
                    distinct.add(exprs.concat(exprs.repeat(what.get(0), least, most), what.get(1)));
                }
            }
        });
    }

    private static Expr head(Expr expr) {
        return expr.kind == Kind.CONCAT ? expr.parts[0] : expr;
    }

    /** Drops alternatives that another one is without parts that it need not have. */
    private static void dropContained(Set<Expr> distinct) {
        Set<Expr> contained = new HashSet<>();
        for (Expr part : distinct) {
            Expr rest = part;
            while (rest.kind == Kind.CONCAT && rest.parts[0].nullable && contained.add(rest.parts[1])) {
                rest = rest.parts[1];
            }
        }
        if (!contained.isEmpty()) {
            distinct.removeAll(contained);
        }
    }

    /** Sets of bytes as one set. */
    private void joinBytes(Set<Expr> distinct) {
        ByteSet bytes = ByteSet.NONE;
        int sets = 0;
        for (Expr part : distinct) {
            if (part.kind == Kind.BYTES) {
                bytes = bytes.or(part.bytes);
                sets++;
            }
        }
        if (sets > 1) {
            distinct.removeIf(part -> part.kind == Kind.BYTES);
            distinct.add(exprs.bytes(bytes));
        }
    }

    /**
     * Takes out what alternatives begin with in common, so that it is read in one way: words become a tree of their bytes, and
     * a rule that several begin with is called once.
     */
    private void factor(Set<Expr> distinct, int depth) {
        if (depth == MAX_FACTORED) {
            return;
        }
        Map<Expr, List<Expr>> rests = new LinkedHashMap<>();
        boolean common = false;
        for (Expr part : distinct) {
            if (part.kind == Kind.CONCAT) {
                List<Expr> alike = rests.computeIfAbsent(part.parts[0], head -> new ArrayList<>(1));
                alike.add(part.parts[1]);
                common |= alike.size() > 1;
            }
        }
        if (common) {
            distinct.removeIf(part -> part.kind == Kind.CONCAT
                    && Objects.requireNonNull(rests.get(part.parts[0])).size() > 1);
            rests.forEach((head, alike) -> {
                if (alike.size() > 1) {
                    distinct.add(exprs.concat(head, exprs.alternative(alike, depth + 1)));
                }
            });
        }
    }
}
