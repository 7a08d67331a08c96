package dev.nibble.tokenizer;

import java.util.Arrays;
import java.util.BitSet;

/** A tree of the bytes of some tokens. State 0 is the root; a parent has a lower number than its children. */
final class TokenTrie {
    static final int ROOT = 0;
    static final int NONE = -1;

    private final LongIntMap children;
    private int[] parents = new int[64];
    private byte[] labels = new byte[64];
    private int[] tokens = new int[64];
    private int size = 1;

    TokenTrie(TokenTable table, BitSet ids) {
        children = new LongIntMap(4 * ids.cardinality());
        Arrays.fill(tokens, NONE);
        for (int id = ids.nextSetBit(0); id >= 0; id = ids.nextSetBit(id + 1)) {
            int state = ROOT;
            for (int i = 0; i < table.length(id); i++) {
                byte label = table.byteAt(id, i);
                int child = child(state, label);
                state = child == NONE ? add(state, label) : child;
            }
            if (state != ROOT) { // a token without a text is nowhere
                tokens[state] = id;
            }
        }
    }

    private int add(int parent, byte label) {
        if (size == parents.length) {
            int capacity = IntList.grown(size);
            parents = Arrays.copyOf(parents, capacity);
            labels = Arrays.copyOf(labels, capacity);
            tokens = Arrays.copyOf(tokens, capacity);
            Arrays.fill(tokens, size, capacity, NONE);
        }
        parents[size] = parent;
        labels[size] = label;
        children.putIfAbsent(edge(parent, label), size);
        return size++;
    }

    /** Number of states. */
    int size() {
        return size;
    }

    /** The state behind {@code label}, or {@link #NONE}. */
    int child(int state, byte label) {
        return children.get(edge(state, label));
    }

    /** The token that ends at a state, or {@link #NONE}. */
    int token(int state) {
        return tokens[state];
    }

    int parent(int state) {
        return parents[state];
    }

    byte label(int state) {
        return labels[state];
    }

    private static long edge(int state, byte label) {
        return (long) state << 8 | label & 0xFF;
    }
}
