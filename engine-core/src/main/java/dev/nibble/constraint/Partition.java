package dev.nibble.constraint;

import java.util.Arrays;
import java.util.BitSet;

/**
 * The states of an automaton in blocks that no text can tell apart (Hopcroft 1971): in time that grows little faster than the
 * number of transitions, however long the chains of states are.
 */
final class Partition {
    private final int classCount;
    private final int[] next;
    private final int stateCount;
    /** [states], block by block. */
    private final int[] states;
    /** [states], where a state stands in {@link #states}. */
    private final int[] places;
    /** [states], the block of a state. */
    private final int[] blocks;
    /** [blocks], where a block begins and ends in {@link #states}. */
    private final int[] starts;

    private final int[] ends;
    /** [blocks], how many of its states, the first ones, are marked. */
    private final int[] marked;

    private int count;

    /**
     * @param next [states, classes], what follows a state, {@link Automaton#DEAD} for nothing
     * @param accepting states in which a text may end
     * @param alive the states that matter; no other is followed
     */
    Partition(int classCount, int[] next, BitSet accepting, BitSet alive, int stateCount) {
        this.classCount = classCount;
        this.next = next;
        this.stateCount = stateCount;
        states = new int[stateCount];
        places = new int[stateCount];
        blocks = new int[stateCount];
        starts = new int[stateCount];
        ends = new int[stateCount];
        marked = new int[stateCount];
        int at = 0;
        for (int kind = 0; kind < 3; kind++) {
            int begin = at;
            for (int state = 0; state < stateCount; state++) {
                int of = !alive.get(state) ? 2 : accepting.get(state) ? 0 : 1;
                if (of == kind) {
                    states[at] = state;
                    places[state] = at++;
                    blocks[state] = count;
                }
            }
            if (at > begin) {
                starts[count] = begin;
                ends[count++] = at;
            }
        }
    }

    /** The block of each state. */
    int[] blocks() {
        return blocks;
    }

    /** How many blocks there are. */
    int count() {
        return count;
    }

    /** Splits blocks until every state of a block leads to the same blocks. */
    void refine() {
        int[] from = new int[stateCount * classCount + 1]; // [target, class], where its sources begin
        for (int i = 0; i < next.length; i++) {
            if (next[i] >= 0) {
                from[next[i] * classCount + i % classCount + 1]++;
            }
        }
        for (int i = 1; i < from.length; i++) {
            from[i] += from[i - 1];
        }
        int[] sources = new int[from[from.length - 1]];
        int[] filled = from.clone();
        for (int i = 0; i < next.length; i++) {
            if (next[i] >= 0) {
                sources[filled[next[i] * classCount + i % classCount]++] = i / classCount;
            }
        }
        // Every block is a splitter once; of a block that is split, the smaller part is one again.
        int[] waiting = new int[stateCount];
        BitSet isWaiting = new BitSet();
        int waits = 0;
        for (int block = 0; block < count; block++) {
            waiting[waits++] = block;
            isWaiting.set(block);
        }
        int[] touched = new int[stateCount];
        while (waits > 0) {
            int splitter = waiting[--waits];
            isWaiting.clear(splitter);
            int[] members = Arrays.copyOfRange(states, starts[splitter], ends[splitter]);
            for (int group = 0; group < classCount; group++) {
                int touches = 0;
                for (int member : members) {
                    int row = member * classCount + group;
                    for (int i = from[row]; i < from[row + 1]; i++) {
                        int block = blocks[sources[i]];
                        if (marked[block] == 0) {
                            touched[touches++] = block;
                        }
                        mark(sources[i]);
                    }
                }
                for (int i = 0; i < touches; i++) {
                    int block = touched[i];
                    int part = split(block);
                    if (part >= 0) {
                        int smaller = ends[part] - starts[part] <= ends[block] - starts[block] ? part : block;
                        int more = isWaiting.get(block) ? part : smaller;
                        waiting[waits++] = more;
                        isWaiting.set(more);
                    }
                }
            }
        }
    }

    /** Moves a state among the marked ones of its block. */
    private void mark(int state) {
        int block = blocks[state];
        int to = starts[block] + marked[block]++;
        int place = places[state];
        int other = states[to];
        states[place] = other;
        places[other] = place;
        states[to] = state;
        places[state] = to;
    }

    /** Makes the marked states of a block one of their own; its number, -1 if that would be all of them. */
    private int split(int block) {
        int marks = marked[block];
        marked[block] = 0;
        if (marks == ends[block] - starts[block]) {
            return -1;
        }
        starts[count] = starts[block];
        ends[count] = starts[block] + marks;
        starts[block] += marks;
        for (int i = starts[count]; i < ends[count]; i++) {
            blocks[states[i]] = count;
        }
        return count++;
    }
}
