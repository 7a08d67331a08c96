package dev.nibble.tokenizer;

/**
 * Merges neighbouring symbols, the best pair first and the leftmost among equals, until no pair can be merged. A heap
 * over a linked list: O(n log n), whatever the text.
 */
abstract class SymbolMerger {
    /** No merge. */
    static final int NONE = Integer.MAX_VALUE;

    private final LongHeap queue = new LongHeap();
    private int[] previous = new int[0];
    private int[] next = new int[0];
    /** The priority of merging a symbol with the next one; an entry of the queue that disagrees is outdated. */
    private int[] priority = new int[0];

    /** The priority of merging two symbols, lower first, or {@link #NONE}. */
    protected abstract int priority(int left, int right);

    /** Makes {@code left} the merge of {@code left} and {@code right}; {@code right} is not used again. */
    protected abstract void merge(int left, int right, int priority);

    /** The symbol after {@code symbol}, or -1. */
    final int next(int symbol) {
        return next[symbol];
    }

    /** Merges symbols 0 to {@code count - 1}; what is left is the chain from 0 along {@link #next}. */
    final void mergeAll(int count) {
        if (next.length < count) {
            int capacity = Math.max(count, IntList.grown(next.length));
            previous = new int[capacity];
            next = new int[capacity];
            priority = new int[capacity];
        }
        for (int i = 0; i < count; i++) {
            previous[i] = i - 1;
            next[i] = i + 1 < count ? i + 1 : -1;
        }
        queue.clear();
        for (int i = 0; i < count; i++) {
            offer(i);
        }
        while (!queue.isEmpty()) {
            long best = queue.removeFirst();
            int left = LongHeap.value(best);
            if (priority[left] != LongHeap.priority(best)) {
                continue;
            }
            int right = next[left];
            merge(left, right, priority[left]);
            priority[right] = NONE;
            next[left] = next[right];
            if (next[left] >= 0) {
                previous[next[left]] = left;
            }
            offer(left);
            if (previous[left] >= 0) {
                offer(previous[left]);
            }
        }
    }

    private void offer(int left) {
        int found = next[left] < 0 ? NONE : priority(left, next[left]);
        priority[left] = found;
        if (found != NONE) {
            queue.add(found, left);
        }
    }
}
