package dev.nibble.constraint;

import dev.nibble.constraint.Expr.Generator;
import dev.nibble.constraint.Expr.Kind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Makes expressions, each once. Thread-safe. It holds a bounded number of them, so that no text,
 * pattern or schema can exhaust the memory.
 */
final class Exprs {
    /** About 100 bytes each, and 1 KB for those walked from: some 200 MB at the most. */
    private static final int MAX_EXPRESSIONS = 400_000;

    /** Parts of alternatives and intersections that are put together at the most, which bounds the time. */
    private static final long MAX_WORK = 4_000_000;
    /** What a state of an automaton counts beside. */
    private static final int WORK_OF_STATE = 80;

    private static final Expr[] NO_PARTS = {};

    final Expr nothing;
    final Expr empty;
    private final Map<Expr, Expr> all = new ConcurrentHashMap<>();
    private final Derivatives derivatives = new Derivatives(this);
    private final Alternatives alternatives = new Alternatives(this);
    private final AtomicInteger ids = new AtomicInteger();
    private final AtomicLong work = new AtomicLong();

    /** Masks of these expressions, for each vocabulary they were used with. */
    private final Map<TokenMasks, MaskCache> masks = Collections.synchronizedMap(new WeakHashMap<>());

    Exprs() {
        nothing = intern(Kind.NOTHING, NO_PARTS, ByteSet.NONE, 0, 0, null, false);
        empty = intern(Kind.EMPTY, NO_PARTS, ByteSet.NONE, 0, 0, null, true);
    }

    /** What expressions leave after bytes, and the rules they begin with. */
    Derivatives derivatives() {
        return derivatives;
    }

    /** How many expressions there are. */
    int size() {
        return all.size();
    }

    /** What is kept of these expressions for a vocabulary. */
    MaskCache masks(TokenMasks vocabulary) {
        return masks.computeIfAbsent(vocabulary, key -> new MaskCache());
    }

    private Expr intern(
            Kind kind, Expr[] parts, ByteSet bytes, int min, int max, @Nullable Object payload, boolean nullable) {
        Expr made = new Expr(this, kind, parts, bytes, min, max, payload, nullable, ids.getAndIncrement());
        Expr present = all.putIfAbsent(made, made);
        if (present != null) {
            return present;
        }
        if (all.size() > MAX_EXPRESSIONS) {
            throw new ConstraintException("the constraint is too complex: more than " + MAX_EXPRESSIONS
                    + " states are needed; make it smaller or less ambiguous");
        }
        return made;
    }

    /** Takes note of a state of an automaton. */
    void countState() {
        count(WORK_OF_STATE);
    }

    private void count(int parts) {
        if (work.addAndGet(parts) > MAX_WORK) {
            throw new ConstraintException(
                    "the constraint is too complex: it can be read in too many ways at once; make it smaller or less ambiguous");
        }
    }

    /** One byte of the set. */
    Expr bytes(ByteSet set) {
        return set.isEmpty() ? nothing : intern(Kind.BYTES, NO_PARTS, set, 0, 0, null, false);
    }

    /** Exactly this text, in UTF-8. */
    Expr literal(String text) {
        return literal(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Exactly these bytes. */
    Expr literal(byte[] text) {
        Expr result = empty;
        for (int i = text.length - 1; i >= 0; i--) {
            result = concat(bytes(ByteSet.of(text[i] & 0xFF)), result);
        }
        return result;
    }

    /** The first, then the second. */
    Expr concat(Expr first, Expr second) {
        if (first == nothing || second == nothing) {
            return nothing;
        }
        if (first == empty) {
            return second;
        }
        if (second == empty) {
            return first;
        }
        if (first.kind == Kind.CONCAT) {
            // Nested to the right; by a loop, as a text may be long.
            List<Expr> heads = new ArrayList<>();
            Expr rest = first;
            for (; rest.kind == Kind.CONCAT; rest = rest.parts[1]) {
                heads.add(rest.parts[0]);
            }
            Expr result = concat(rest, second);
            for (Expr head : heads.reversed()) {
                result = concat(head, result);
            }
            return result;
        }
        if (first.kind == Kind.REPEAT) {
            // As many times, and as many times again: optional parts in a row would multiply the states.
            Expr again = second.kind == Kind.CONCAT ? second.parts[0] : second;
            if (again.kind == Kind.REPEAT && again.parts[0] == first.parts[0]) {
                Expr both = repeat(first.parts[0], sum(first.min, again.min), sum(first.max, again.max));
                return again == second ? both : concat(both, second.parts[1]);
            }
        }
        return intern(
                Kind.CONCAT, new Expr[] {first, second}, ByteSet.NONE, 0, 0, null, first.nullable && second.nullable);
    }

    /** All of them, one after the other. */
    Expr concat(Expr... parts) {
        Expr result = empty;
        for (int i = parts.length - 1; i >= 0; i--) {
            result = concat(parts[i], result);
        }
        return result;
    }

    /** One of them. */
    Expr alternative(Expr... parts) {
        return alternative(Arrays.asList(parts));
    }

    /** The sum of two numbers of repetitions. */
    static int sum(int a, int b) {
        return (int) Math.min(Expr.UNBOUNDED, (long) a + b);
    }

    /** One of them. */
    Expr alternative(Collection<Expr> parts) {
        return alternative(parts, 0);
    }

    /** As {@link #alternative(Collection)}, within {@code depth} others out of which something was taken. */
    Expr alternative(Collection<Expr> parts, int depth) {
        Set<Expr> distinct = alternatives.distinct(parts);
        count(distinct.size());
        alternatives.simplify(distinct, depth);
        boolean optional = distinct.remove(empty);
        boolean nullable = false;
        for (Expr part : distinct) {
            nullable |= part.nullable;
        }
        Expr result = combined(Kind.ALTERNATIVE, distinct, nullable);
        if (!optional || nullable) {
            return result;
        }
        if (result == nothing) {
            return empty;
        }
        return result.kind == Kind.REPEAT && result.min == 1
                ? repeat(result.parts[0], 0, result.max)
                : intern(Kind.REPEAT, new Expr[] {result}, ByteSet.NONE, 0, 1, null, true);
    }

    private Expr combined(Kind kind, Set<Expr> distinct, boolean nullable) {
        if (distinct.isEmpty()) {
            return nothing;
        }
        Expr[] parts = distinct.toArray(Expr[]::new);
        if (parts.length == 1) {
            return parts[0];
        }
        Arrays.sort(parts, Comparator.comparingInt(part -> part.id));
        return intern(kind, parts, ByteSet.NONE, 0, 0, null, nullable);
    }

    /** {@code part} or nothing. */
    Expr optional(Expr part) {
        return alternative(part, empty);
    }

    /** {@code part} at least {@code min} and at most {@code max} times. */
    Expr repeat(Expr part, int min, int max) {
        if (min > max) {
            throw new IllegalArgumentException("a repetition of at least " + min + " and at most " + max);
        }
        if (max == 0 || part == empty) {
            return empty;
        }
        if (part == nothing) {
            return min == 0 ? empty : nothing;
        }
        if (min == 1 && max == 1) {
            return part;
        }
        int least = part.nullable ? 0 : min;
        if (part.kind == Kind.REPEAT && part.min <= 1) {
            // m to n times 1 to k: any number from m to n·k; nested counters would multiply the states.
            long most = (long) max * part.max;
            int product = max == Expr.UNBOUNDED || part.max == Expr.UNBOUNDED || most >= Expr.UNBOUNDED
                    ? Expr.UNBOUNDED
                    : (int) most;
            return repeat(part.parts[0], part.min == 0 ? 0 : min, product);
        }
        if (min == 0 && max == 1) {
            return alternative(part, empty);
        }
        return intern(Kind.REPEAT, new Expr[] {part}, ByteSet.NONE, least, max, null, least == 0);
    }

    /** {@code part} any number of times. */
    Expr star(Expr part) {
        return repeat(part, 0, Expr.UNBOUNDED);
    }

    /** What all of them hold; to be made {@linkplain Automaton#determine determined} before it is matched. */
    Expr and(Expr... parts) {
        Set<Expr> distinct = new LinkedHashSet<>();
        for (Expr part : parts) {
            if (part == nothing) {
                return nothing;
            }
            distinct.addAll(part.kind == Kind.AND ? Arrays.asList(part.parts) : List.of(part));
        }
        count(distinct.size());
        return combined(Kind.AND, distinct, distinct.stream().allMatch(part -> part.nullable));
    }

    /** Every text of bytes that it does not hold; to be made {@linkplain Automaton#determine determined}, within an {@link #and}. */
    Expr not(Expr part) {
        return part.kind == Kind.NOT
                ? part.parts[0]
                : intern(Kind.NOT, new Expr[] {part}, ByteSet.NONE, 0, 0, null, !part.nullable);
    }

    /** A text of the rule. */
    Expr call(Rule rule) {
        return intern(Kind.CALL, NO_PARTS, ByteSet.NONE, 0, 0, rule, false);
    }

    /** What the generator will make. */
    Expr lazy(Generator generator) {
        return intern(Kind.LAZY, NO_PARTS, ByteSet.NONE, 0, 0, generator, generator.nullable());
    }

    /** A state of an automaton; nothing, if no text leads from there to an end. */
    Expr state(Automaton automaton, int state) {
        return state == Automaton.DEAD
                ? nothing
                : intern(Kind.STATE, NO_PARTS, ByteSet.NONE, state, 0, automaton, automaton.accepts(state));
    }

    /** One of the texts, as a tree of their bytes: a state is left by one way for each byte. */
    Expr choices(Collection<byte[]> texts) {
        List<byte[]> sorted = new ArrayList<>(texts);
        sorted.sort(Arrays::compareUnsigned);
        return choices(sorted, 0, sorted.size(), 0);
    }

    private Expr choices(List<byte[]> sorted, int from, int to, int depth) {
        byte[] low = sorted.get(from);
        if (to - from == 1) {
            return literal(Arrays.copyOfRange(low, depth, low.length));
        }
        int mismatch = Arrays.mismatch(low, sorted.get(to - 1));
        int branch = mismatch < 0 ? low.length : mismatch;
        List<Expr> ways = new ArrayList<>();
        int at = from;
        while (at < to && sorted.get(at).length == branch) {
            ways.add(empty);
            at++;
        }
        while (at < to) {
            byte first = sorted.get(at)[branch];
            int end = at + 1;
            while (end < to && sorted.get(end)[branch] == first) {
                end++;
            }
            ways.add(choices(sorted, at, end, branch));
            at = end;
        }
        return concat(literal(Arrays.copyOfRange(low, depth, branch)), alternative(ways));
    }

    /** {@code expr} with every rule replaced by what {@code replacement} gives for it, a call where it gives the call. */
    Expr substitute(Expr expr, Function<Rule, Expr> replacement) {
        return substitute(expr, replacement, new HashMap<>());
    }

    private Expr substitute(Expr expr, Function<Rule, Expr> replacement, Map<Expr, Expr> done) {
        Expr known = done.get(expr);
        if (known != null) {
            return known;
        }
        Expr result = switch (expr.kind) {
            case CALL -> replacement.apply((Rule) Derivatives.payload(expr));
            case CONCAT -> {
                // By a loop, as a text may be long.
                List<Expr> parts = new ArrayList<>();
                Expr rest = expr;
                for (; rest.kind == Kind.CONCAT; rest = rest.parts[1]) {
                    parts.add(substitute(rest.parts[0], replacement, done));
                }
                parts.add(substitute(rest, replacement, done));
                yield concat(parts.toArray(Expr[]::new));
            }
            case ALTERNATIVE ->
                alternative(Arrays.stream(expr.parts)
                        .map(part -> substitute(part, replacement, done))
                        .toList());
            case REPEAT -> repeat(substitute(expr.parts[0], replacement, done), expr.min, expr.max);
            default -> expr;
        };
        done.put(expr, result);
        return result;
    }

    /**
     * The same language with the bounds of repetitions above {@code length} taken to be just that, which no text of so many
     * bytes can tell.
     */
    Expr clamp(Expr expr, int length) {
        return switch (expr.kind) {
            case REPEAT -> {
                Expr part = clamp(expr.parts[0], length);
                int min = Math.min(expr.min, length + 1);
                int max = expr.max > length ? Expr.UNBOUNDED : expr.max;
                yield repeat(part, min, max);
            }
            case CONCAT -> {
                // By a loop, as a text may be long; what is behind the longest token does not matter.
                List<Expr> clamped = new ArrayList<>();
                Expr rest = expr;
                for (int left = length; rest.kind == Kind.CONCAT && left >= 0; rest = rest.parts[1]) {
                    clamped.add(clamp(rest.parts[0], length));
                    left -= rest.parts[0].nullable ? 0 : 1;
                }
                Expr result = rest.kind == Kind.CONCAT ? rest : clamp(rest, length);
                for (Expr head : clamped.reversed()) {
                    result = concat(head, result);
                }
                yield result;
            }
            case ALTERNATIVE -> {
                List<Expr> clamped = new ArrayList<>();
                for (Expr part : expr.parts) {
                    clamped.add(clamp(part, length));
                }
                yield alternative(clamped);
            }
            default -> expr;
        };
    }
}
