package dev.nibble.tokenizer;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/**
 * Finds tokens that are matched in the raw text, before it is tokenized: the longest first, wherever they are;
 * among those of a length the one with the lowest id, and of it the leftmost. An Aho-Corasick automaton lists the candidates, a heap brings them into order.
 */
final class SpecialTokens {
    private static final int ROOT = TokenTrie.ROOT;

    private final TokenTable table;
    private final BitSet stripLeft;
    private final BitSet stripRight;
    private final TokenTrie trie;
    private final int[] rootChildren = new int[256];
    private final int[] fallbacks; // by state: the state of the longest proper suffix
    private final int[] shorter; // by state: the next suffix that ends a token, or ROOT
    private final int[] ranks; // by state that ends a token: its place in the order of precedence

    /**
     * @param ids the tokens to find
     * @param stripLeft of them, those that take the spaces before them along
     * @param stripRight of them, those that take the spaces behind them along
     */
    SpecialTokens(TokenTable table, BitSet ids, BitSet stripLeft, BitSet stripRight) {
        this.table = table;
        this.stripLeft = stripLeft;
        this.stripRight = stripRight;
        trie = new TokenTrie(table, ids);
        ranks = ranks(ids);
        fallbacks = new int[trie.size()];
        shorter = new int[trie.size()];
        for (int b = 0; b < 256; b++) {
            rootChildren[b] = Math.max(ROOT, trie.child(ROOT, (byte) b));
        }
        for (int state : breadthFirst()) {
            int parent = trie.parent(state);
            int fallback = parent == ROOT ? ROOT : step(fallbacks[parent], trie.label(state));
            fallbacks[state] = fallback;
            shorter[state] = trie.token(fallback) == TokenTrie.NONE ? shorter[fallback] : fallback;
        }
    }

    private int[] ranks(BitSet ids) {
        int[] ordered = ids.stream()
                .boxed()
                .sorted(Comparator.comparingInt(table::length).reversed().thenComparingInt(id -> id))
                .mapToInt(id -> id)
                .toArray();
        int[] rankOfToken = new int[ids.length()];
        for (int rank = 0; rank < ordered.length; rank++) {
            rankOfToken[ordered[rank]] = rank;
        }
        int[] rankOfState = new int[trie.size()];
        for (int state = 1; state < rankOfState.length; state++) {
            rankOfState[state] = trie.token(state) == TokenTrie.NONE ? 0 : rankOfToken[trie.token(state)];
        }
        return rankOfState;
    }

    /** All states but the root, the shallow ones first. */
    private int[] breadthFirst() {
        int[] depths = new int[trie.size()];
        int[] starts = new int[trie.size() + 2]; // by depth
        for (int state = 1; state < depths.length; state++) {
            depths[state] = depths[trie.parent(state)] + 1;
            starts[depths[state] + 1]++;
        }
        for (int depth = 1; depth < starts.length; depth++) {
            starts[depth] += starts[depth - 1];
        }
        int[] order = new int[depths.length - 1];
        for (int state = 1; state < depths.length; state++) {
            order[starts[depths[state]]++] = state;
        }
        return order;
    }

    private int step(int state, byte label) {
        while (state != ROOT) {
            int child = trie.child(state, label);
            if (child != TokenTrie.NONE) {
                return child;
            }
            state = fallbacks[state];
        }
        return rootChildren[label & 0xFF];
    }

    /** A token in a text, and the {@code [start, end)} that it takes, spaces that it strips included. */
    record Found(int start, int end, int id) {}

    /** Finds the tokens in {@code text}, in the order of the text. */
    List<Found> find(byte[] text) {
        IntList candidateStates = new IntList();
        IntList candidateEnds = new IntList();
        LongHeap queue = new LongHeap();
        int state = ROOT;
        for (int i = 0; i < text.length; i++) {
            state = step(state, text[i]);
            int ending = trie.token(state) == TokenTrie.NONE ? shorter[state] : state;
            if (ending != ROOT) {
                queue.add(ranks[ending], candidateStates.size());
                candidateStates.add(ending);
                candidateEnds.add(i + 1);
            }
        }
        if (queue.isEmpty()) {
            return List.of();
        }
        BitSet taken = new BitSet(text.length);
        List<Found> found = new ArrayList<>();
        while (!queue.isEmpty()) {
            long entry = queue.removeFirst();
            int candidate = LongHeap.value(entry);
            int end = candidateEnds.get(candidate);
            if (taken.get(end - 1)) {
                continue;
            }
            // The candidate may have been tried with a longer token: find the one that is due.
            int ending = candidateStates.get(candidate);
            while (ranks[ending] != LongHeap.priority(entry)) {
                ending = shorter[ending];
            }
            int start = end - table.length(trie.token(ending));
            if (taken.get(start)) {
                if (shorter[ending] != ROOT) {
                    queue.add(ranks[shorter[ending]], candidate);
                }
                continue;
            }
            int id = trie.token(ending);
            while (stripLeft.get(id) && start > 0 && isSpace(text[start - 1]) && !taken.get(start - 1)) {
                start--;
            }
            while (stripRight.get(id) && end < text.length && isSpace(text[end]) && !taken.get(end)) {
                end++;
            }
            taken.set(start, end);
            found.add(new Found(start, end, id));
        }
        found.sort(Comparator.comparingInt(Found::start));
        return found;
    }

    private static boolean isSpace(byte b) {
        return b == ' ' || b >= '\t' && b <= '\r';
    }
}
