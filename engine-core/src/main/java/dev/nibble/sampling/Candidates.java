package dev.nibble.sampling;

/**
 * The tokens that may still be chosen, as parallel arrays that are reused for every token. Kept in no order except where
 * a filter asks for the best in front: a vocabulary is never sorted as a whole.
 */
final class Candidates {
    private final int[] ids;
    private final float[] logits;
    private final float[] otherKeys;
    /** What is ordered by: {@link #logits} or {@link #otherKeys}. */
    private float[] keys;

    private int count;
    /** The first so many are the best by logit, best first. */
    private int sorted;

    private float max;
    private double sum;

    Candidates(int vocabSize) {
        ids = new int[vocabSize];
        logits = new float[vocabSize];
        otherKeys = new float[vocabSize];
        keys = logits;
    }

    /** Takes the {@code k} tokens with the highest logits, or all with 0; those at negative infinity never. */
    void load(float[] source, int k) {
        keys = logits;
        count = 0;
        sorted = 0;
        int limit = k == 0 ? source.length : Math.min(k, source.length);
        int next = 0;
        for (; next < source.length && count < limit; next++) {
            if (source[next] > Float.NEGATIVE_INFINITY) {
                put(count++, next, source[next]);
            }
        }
        if (limit < source.length) {
            heapify(count);
            for (; next < source.length; next++) {
                if (source[next] > logits[0]) { // an equal one has a higher id and loses
                    put(0, next, source[next]);
                    siftDown(0, count);
                }
            }
            sortHeap(count);
            sorted = count;
        }
    }

    private void put(int index, int id, float logit) {
        ids[index] = id;
        logits[index] = Math.min(logit, Float.MAX_VALUE); // a processor may force a token with infinity
    }

    int count() {
        return count;
    }

    int id(int index) {
        return ids[index];
    }

    float logit(int index) {
        return logits[index];
    }

    /** Computes what {@link #probability} divides by; to be called after every change. */
    void normalize() {
        max = logits[0];
        if (sorted == 0) {
            for (int i = 1; i < count; i++) {
                max = Math.max(max, logits[i]);
            }
        }
        sum = 0;
        for (int i = 0; i < count; i++) {
            sum += Exp.exp(logits[i] - max);
        }
    }

    /** The share of a candidate among all, after {@link #normalize}. */
    double probability(int index) {
        return Exp.exp(logits[index] - max) / sum;
    }

    /** The natural logarithm of {@link #probability}, exact also where that is 0. */
    double logProbability(int index) {
        return logits[index] - max - Math.log(sum);
    }

    /** Puts the {@code k} candidates with the highest logits in front, best first. */
    void sortTop(int k) {
        if (sorted < Math.min(k, count)) {
            select(Math.min(k, count));
            sorted = Math.min(k, count);
        }
    }

    /** Sets the key of a candidate for {@link #sortTopByKey}. */
    void key(int index, float key) {
        otherKeys[index] = key;
    }

    /** Puts the {@code k} candidates with the highest keys in front, best first. */
    void sortTopByKey(int k) {
        keys = otherKeys;
        select(Math.min(k, count));
        keys = logits;
        sorted = 0;
    }

    /** Keeps the first {@code n}. */
    void keepFirst(int n) {
        count = n;
        sorted = Math.min(sorted, n);
    }

    /** Drops the first {@code n}. */
    void dropFirst(int n) {
        System.arraycopy(ids, n, ids, 0, count - n);
        System.arraycopy(logits, n, logits, 0, count - n);
        count -= n;
        sorted = Math.max(0, sorted - n);
    }

    /** Keeps those with at least this logit, in their order. */
    void keepFrom(float logit) {
        int kept = 0;
        int keptSorted = 0;
        for (int i = 0; i < count; i++) {
            if (logits[i] >= logit) {
                keptSorted += i < sorted ? 1 : 0;
                ids[kept] = ids[i];
                logits[kept++] = logits[i];
            }
        }
        count = kept;
        sorted = keptSorted;
    }

    /** Divides the logits, relative to the highest so that a tiny divisor cannot overflow. */
    void divideLogits(float divisor) {
        sortTop(1);
        float highest = logits[0];
        for (int i = 0; i < count; i++) {
            logits[i] = (logits[i] - highest) / divisor;
        }
    }

    /** Moves the best {@code k} by key to the front: a heap of the best so far, its worst on top. */
    private void select(int k) {
        heapify(k);
        for (int i = k; i < count; i++) {
            if (worse(0, i)) {
                swap(0, i);
                siftDown(0, k);
            }
        }
        sortHeap(k);
    }

    private void heapify(int size) {
        for (int i = size / 2 - 1; i >= 0; i--) {
            siftDown(i, size);
        }
    }

    /** Takes the worst off the heap again and again: best first in the end. */
    private void sortHeap(int size) {
        for (int end = size - 1; end > 0; end--) {
            swap(0, end);
            siftDown(0, end);
        }
    }

    private void siftDown(int start, int size) {
        int parent = start;
        while (true) {
            int child = 2 * parent + 1;
            if (child >= size) {
                return;
            }
            if (child + 1 < size && worse(child + 1, child)) {
                child++;
            }
            if (!worse(child, parent)) {
                return;
            }
            swap(child, parent);
            parent = child;
        }
    }

    private boolean worse(int a, int b) {
        return keys[a] < keys[b] || (keys[a] == keys[b] && ids[a] > ids[b]);
    }

    private void swap(int a, int b) {
        int id = ids[a];
        ids[a] = ids[b];
        ids[b] = id;
        float logit = logits[a];
        logits[a] = logits[b];
        logits[b] = logit;
        if (keys != logits) {
            float key = keys[a];
            keys[a] = keys[b];
            keys[b] = key;
        }
    }
}
