package dev.nibble.constraint;

import java.util.ArrayList;
import java.util.List;

/**
 * How the objects of a {@link ObjectShape} are written: declared members in their order, then undeclared ones. Which may come
 * next depends on the last declared one and on how many there are.
 */
final class ObjectPlan {
    /** A declared member. */
    static final class Member {
        final String name;
        final SchemaNode node;
        final boolean required;
        /** Whether a value satisfies the node. */
        boolean usable;

        Member(String name, SchemaNode node, boolean required) {
            this.name = name;
            this.node = node;
            this.required = required;
        }
    }

    /** Undeclared members whose names are of one language. */
    static final class Others {
        final Expr names;
        final SchemaNode node;
        boolean usable;

        Others(Expr names, SchemaNode node) {
            this.names = names;
            this.node = node;
        }
    }

    final List<Member> members;
    final List<Others> others;
    private final int min;
    private final int max;
    private final JsonTexts texts;
    private Expr[] values = {};
    private Expr[] otherValues = {};

    ObjectPlan(List<Member> members, List<Others> others, int min, int max, JsonTexts texts) {
        this.members = members;
        this.others = others;
        this.min = min;
        this.max = max;
        this.texts = texts;
    }

    /** Whether there is such an object, with the members that are usable now. */
    boolean isSatisfiable() {
        return members.stream().allMatch(member -> member.usable || !member.required)
                && requiredFrom(0) <= max
                && possibleFrom(0) >= min
                && min <= max;
    }

    /** Takes what the values of members and of others look like. */
    void complete(List<Expr> memberValues, List<Expr> valuesOfOthers) {
        values = memberValues.toArray(Expr[]::new);
        otherValues = valuesOfOthers.toArray(Expr[]::new);
    }

    /** The texts. */
    Expr text(Exprs exprs) {
        return exprs.concat(exprs.literal("{"), exprs.lazy(new Rest(this, 0, 0)));
    }

    private long requiredFrom(int index) {
        return members.stream().skip(index).filter(member -> member.required).count();
    }

    private long possibleFrom(int index) {
        return others.stream().anyMatch(other -> other.usable)
                ? Expr.UNBOUNDED
                : members.stream().skip(index).filter(member -> member.usable).count();
    }

    /** A number of members as far as it matters. */
    private int counted(int count) {
        return max == Expr.UNBOUNDED ? Math.min(count, Math.max(1, min)) : count;
    }

    /**
     * What follows the first members.
     *
     * @param index of the declared members that may still come, the first
     * @param count members written
     */
    private record Rest(ObjectPlan plan, int index, int count) implements Expr.Generator {
        @Override
        public Expr expand(Exprs exprs) {
            List<Expr> ways = new ArrayList<>();
            Expr comma = count == 0 ? exprs.empty : plan.texts.comma(exprs);
            int size = plan.members.size();
            boolean skippable = true;
            for (int i = index; i < size && skippable; i++) {
                Member member = plan.members.get(i);
                if (member.usable && fits(i + 1)) {
                    ways.add(exprs.concat(
                            comma,
                            JsonTexts.quoted(exprs, member.name),
                            plan.texts.colon(exprs),
                            plan.values[i],
                            exprs.lazy(new Rest(plan, i + 1, plan.counted(count + 1)))));
                }
                skippable = !member.required;
            }
            if (skippable) {
                if (fits(size)) {
                    for (int i = 0; i < plan.others.size(); i++) {
                        if (plan.others.get(i).usable) {
                            ways.add(exprs.concat(
                                    comma,
                                    exprs.literal("\""),
                                    plan.others.get(i).names,
                                    exprs.literal("\""),
                                    plan.texts.colon(exprs),
                                    plan.otherValues[i],
                                    exprs.lazy(new Rest(plan, size, plan.counted(count + 1)))));
                        }
                    }
                }
                if (count >= plan.min) {
                    ways.add(exprs.literal("}"));
                }
            }
            return exprs.alternative(ways);
        }

        /** Whether the object can be completed with one member more, if those from {@code next} on follow. */
        private boolean fits(int next) {
            return count + 1L + plan.requiredFrom(next) <= plan.max && count + 1L + plan.possibleFrom(next) >= plan.min;
        }

        @Override
        public boolean nullable() {
            return false;
        }
    }
}
