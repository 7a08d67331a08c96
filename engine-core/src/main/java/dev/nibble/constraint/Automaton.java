package dev.nibble.constraint;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A complete deterministic automaton with as few states as possible, numbered in the order in which they are met, so that equal
 * languages have equal automata. From every state an end can be reached; the rest is {@link #DEAD}.
 */
final class Automaton {
    static final int DEAD = -1;

    /** [256], the class of each byte. */
    private final int[] classes;

    private final int classCount;
    /** [states, classes] */
    private final int[] next;

    private final BitSet accepting;

    private Automaton(int[] classes, int classCount, int[] next, BitSet accepting) {
        this.classes = classes;
        this.classCount = classCount;
        this.next = next;
        this.accepting = accepting;
    }

    /**
     * The automaton of an expression without calls, as an expression.
     *
     * @param maxStates states, before like ones are joined, at the most
     * @throws ConstraintException if there are more
     */
    static Expr determine(Exprs exprs, Expr expr, int maxStates) {
        Map<Expr, Integer> numbers = new HashMap<>();
        List<Expr> states = new ArrayList<>();
        numbers.put(expr, 0);
        states.add(expr);
        List<int[]> rows = new ArrayList<>();
        ByteClasses classes = new ByteClasses();
        for (int state = 0; state < states.size(); state++) {
            Expr[] left = states.get(state).next();
            int[] row = new int[256];
            for (int b = 0; b < 256; b++) {
                if (b > 0 && left[b] == left[b - 1]) {
                    row[b] = row[b - 1];
                } else if (left[b].isNothing()) {
                    row[b] = DEAD;
                } else {
                    Integer known = numbers.putIfAbsent(left[b], states.size());
                    row[b] = known == null ? states.size() : known;
                    if (known == null) {
                        states.add(left[b]);
                        if (states.size() > maxStates) {
                            throw new ConstraintException("the pattern is too complex: more than " + maxStates
                                    + " states are needed; make it simpler or its bounds smaller");
                        }
                    }
                }
            }
            rows.add(row);
            classes.split(row);
            exprs.countState();
        }
        BitSet accepting = new BitSet();
        for (int state = 0; state < states.size(); state++) {
            accepting.set(state, states.get(state).nullable);
        }
        int[] classOf = new int[256];
        int[] sample = new int[classes.count()];
        for (int b = 255; b >= 0; b--) {
            classOf[b] = classes.of(b);
            sample[classOf[b]] = b;
        }
        int[] next = new int[states.size() * sample.length];
        for (int state = 0; state < states.size(); state++) {
            for (int group = 0; group < sample.length; group++) {
                next[state * sample.length + group] = rows.get(state)[sample[group]];
            }
        }
        return minimal(exprs, classOf, sample.length, next, accepting, states.size());
    }

    /** Drops states that lead nowhere, joins those that cannot be told apart, and numbers the rest from the first. */
    private static Expr minimal(
            Exprs exprs, int[] classOf, int classCount, int[] next, BitSet accepting, int stateCount) {
        BitSet alive = alive(classCount, next, accepting, stateCount);
        if (!alive.get(0)) {
            return exprs.nothing;
        }
        for (int i = 0; i < next.length; i++) {
            if (next[i] >= 0 && !alive.get(next[i])) {
                next[i] = DEAD;
            }
        }
        Partition partition = new Partition(classCount, next, accepting, alive, stateCount);
        partition.refine();
        return exprs.state(numbered(classOf, classCount, next, accepting, partition.blocks(), partition.count()), 0);
    }

    /** The states from which an end can be reached. */
    private static BitSet alive(int classCount, int[] next, BitSet accepting, int stateCount) {
        int[] from = new int[stateCount + 1]; // [state], where its sources begin
        for (int target : next) {
            if (target >= 0) {
                from[target + 1]++;
            }
        }
        for (int state = 0; state < stateCount; state++) {
            from[state + 1] += from[state];
        }
        int[] sources = new int[from[stateCount]];
        int[] filled = from.clone();
        for (int i = 0; i < next.length; i++) {
            if (next[i] >= 0) {
                sources[filled[next[i]]++] = i / classCount;
            }
        }
        BitSet alive = (BitSet) accepting.clone();
        int[] open = Arrays.copyOf(accepting.stream().toArray(), stateCount);
        int count = accepting.cardinality();
        while (count > 0) {
            int state = open[--count];
            for (int i = from[state]; i < from[state + 1]; i++) {
                if (!alive.get(sources[i])) {
                    alive.set(sources[i]);
                    open[count++] = sources[i];
                }
            }
        }
        return alive;
    }

    private static Automaton numbered(
            int[] classOf, int classCount, int[] next, BitSet accepting, int[] block, int blocks) {
        int[] number = new int[blocks];
        Arrays.fill(number, DEAD);
        int[] first = new int[blocks];
        number[block[0]] = 0;
        int count = 1;
        for (int at = 0; at < count; at++) {
            for (int group = 0; group < classCount; group++) {
                int target = next[first[at] * classCount + group];
                if (target != DEAD && number[block[target]] == DEAD) {
                    first[count] = target;
                    number[block[target]] = count++;
                }
            }
        }
        int[] table = new int[count * classCount];
        BitSet ends = new BitSet();
        for (int state = 0; state < count; state++) {
            ends.set(state, accepting.get(first[state]));
            for (int group = 0; group < classCount; group++) {
                int target = next[first[state] * classCount + group];
                table[state * classCount + group] = target == DEAD ? DEAD : number[block[target]];
            }
        }
        return new Automaton(classOf, classCount, table, ends);
    }

    int next(int state, int b) {
        return next[state * classCount + classes[b]];
    }

    boolean accepts(int state) {
        return accepting.get(state);
    }

    /** Splits classes of bytes by where they lead from a state. */
    void split(int state, ByteClasses into) {
        int[] row = new int[256];
        for (int b = 0; b < 256; b++) {
            row[b] = next(state, b);
        }
        into.split(row);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Automaton automaton
                && Arrays.equals(classes, automaton.classes)
                && Arrays.equals(next, automaton.next)
                && accepting.equals(automaton.accepting);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(next) + accepting.hashCode();
    }

    @Override
    public String toString() {
        return "automaton of " + next.length / classCount + " states";
    }
}
