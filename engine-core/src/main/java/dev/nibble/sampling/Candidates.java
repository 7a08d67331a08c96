package dev.nibble.sampling;

/**
 * The tokens that may still be chosen, as parallel arrays that are reused for every token. They are never sorted: of
 * tokens with the same logit, the one that comes first counts as the more probable.
 */
final class Candidates {
    private final int[] ids;
    private final float[] logits;
    private final float[] otherKeys;
    private final MassCut cut = new MassCut();
    private final Exp exp = new Exp();
    /** What the heap is ordered by: {@link #logits} or {@link #otherKeys}. */
    private float[] keys;

    private int count;
    private boolean normalized;
    private float max;
    private double sum;
    private double logSum;

    Candidates(int vocabSize) {
        ids = new int[vocabSize];
        logits = new float[vocabSize];
        otherKeys = new float[vocabSize];
        keys = logits;
    }

    /** Takes the {@code k} tokens with the highest logits, best first, or all with 0; those at negative infinity never. */
    void load(float[] source, int k) {
        normalized = false;
        count = 0;
        int limit = k == 0 ? source.length : Math.min(k, source.length);
        int next = 0;
        for (; next < source.length && count < limit; next++) {
            if (source[next] > Float.NEGATIVE_INFINITY) {
                put(count++, next, source[next]);
            }
        }
        if (limit < source.length) {
            heapify(count);
            while (next < source.length) {
                next = nextAbove(logits[0], source, next); // an equal one has a higher id and loses
                if (next < source.length) {
                    put(0, next, source[next]);
                    siftDown(0, count);
                    next++;
                }
            }
            sortHeap(count);
        }
    }

    /** The loop over the vocabulary, alone, so that the compiler makes the best of it. */
    private static int nextAbove(float worst, float[] source, int from) {
        int next = from;
        while (next < source.length && !(source[next] > worst)) {
            next++;
        }
        return next;
    }

    private void put(int index, int id, float logit) {
        ids[index] = id;
        logits[index] = Math.min(logit, Float.MAX_VALUE); // a processor may force a token with infinity
    }

    /**
     * Takes what {@link #keepMass} with this share would keep of all tokens, and not many more; until the next change,
     * probabilities are those among all tokens.
     *
     * @return log Σ e^logit of all tokens; NaN if a logit is NaN or positive infinity, or none is above negative infinity
     */
    double loadNucleus(float[] source, float share) {
        float highest = Exp.max(source, source.length);
        if (!Float.isFinite(highest)) {
            load(source, 0);
            return Double.NaN;
        }
        double total = cut.histogram(source, highest);
        count = cut.copyNucleus(source, share * total, ids, logits);
        if (count == 0) {
            load(source, 0);
        }
        setSum(highest, total);
        return max + logSum;
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

    /** The highest logit. */
    float highest() {
        return Exp.max(logits, count);
    }

    private void normalize() {
        if (!normalized) {
            float highest = highest();
            setSum(highest, exp.sum(logits, count, highest));
        }
    }

    private void setSum(float highest, double total) {
        max = highest;
        sum = total;
        logSum = Math.log(total);
        normalized = true;
    }

    /** The share of a candidate among all. */
    double probability(int index) {
        normalize();
        return Exp.exp(logits[index] - max) / sum;
    }

    /** The natural logarithm of {@link #probability}, exact also where that is nearly 0. */
    double logProbability(int index) {
        normalize();
        return logits[index] - max - logSum;
    }

    /** The logit of a candidate with this probability. */
    float logitOf(double probability) {
        normalize();
        return (float) (max + logSum + Math.log(probability));
    }

    /** The candidate at which the probabilities, added up from the highest on, reach {@code share}. */
    int choose(double share) {
        normalize();
        cut.find(logits, count, max, share * sum, otherKeys);
        int nth = cut.reached();
        int index = -1;
        while (nth > 0) {
            if (logits[++index] == cut.logit()) {
                nth--;
            }
        }
        return ids[index];
    }

    /** Keeps the most probable until their sum reaches {@code share}. */
    void keepMass(double share) {
        normalize();
        cut.find(logits, count, max, share * sum, otherKeys);
        keepFrom(cut.logit());
        if (cut.beyond() > 0) {
            keepFirstWith(cut.logit(), cut.reached());
        }
    }

    /** Of those with this logit, keeps the first {@code n}. */
    private void keepFirstWith(float logit, int n) {
        int left = n;
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (logits[i] != logit || left-- > 0) {
                move(i, kept++);
            }
        }
        count = kept;
    }

    /** Keeps those with at least this logit, in their order. */
    void keepFrom(float logit) {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            // The sign in place of a branch, as which ones are dropped is no pattern; 0 is added for -0 to have none.
            int dropped = Float.floatToRawIntBits(logits[i] - logit + 0f) >>> 31;
            move(i, kept);
            kept += 1 - dropped;
        }
        count = kept;
        normalized = false;
    }

    /** Drops those with at least this logit, but not the least of them. */
    void dropFrom(float logit) {
        int least = -1;
        for (int i = 0; i < count; i++) {
            if (logits[i] >= logit && (least < 0 || logits[i] <= logits[least])) {
                least = i;
            }
        }
        int kept = 0;
        for (int i = 0; i < count; i++) {
            if (logits[i] < logit || i == least) {
                move(i, kept++);
            }
        }
        count = kept;
        normalized = false;
    }

    private void move(int from, int to) {
        ids[to] = ids[from];
        logits[to] = logits[from];
    }

    /** Divides the logits, relative to the highest so that a tiny divisor cannot overflow. */
    void divideLogits(float divisor) {
        float highest = highest();
        for (int i = 0; i < count; i++) {
            logits[i] = (logits[i] - highest) / divisor;
        }
        normalized = false;
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
    }

    /** Keeps the first {@code n}. */
    void keepFirst(int n) {
        count = n;
        normalized = false;
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
