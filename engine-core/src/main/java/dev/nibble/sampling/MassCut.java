package dev.nibble.sampling;

import java.util.Arrays;

/**
 * Finds where the weights e^(logit - max), added up from the greatest on, reach a target, without sorting a vocabulary:
 * a histogram of the weights by logit names the bucket in which it happens, a histogram of that bucket a smaller one, and
 * what is left in the end is sorted. Allocates nothing after construction.
 */
final class MassCut {
    private static final int BUCKETS = 256;

    /** So few logits are sorted. */
    private static final int FEW = 128;

    /** How far below the greatest logit the first buckets reach; what lies deeper is together in the last one. */
    private static final float DEPTH = 32;

    /** Logits so close to each other are sorted too: their difference is no good divisor. */
    private static final float CLOSE = 1e-30f;

    private final Exp exp = new Exp();
    private final double[] mass = new double[BUCKETS];
    private final int[] buckets = new int[Exp.BLOCK];
    private float high;
    private float scale;
    private float logit;
    private int reached;
    private int beyond;

    /**
     * Finds the place.
     *
     * @param logits not NaN, at least one
     * @param count how many of them
     * @param max the greatest of all logits, to which the weights are relative
     * @param target a sum of weights; above all of them, the place is behind the last one
     * @param scratch of at least that length
     */
    void find(float[] logits, int count, float max, double target, float[] scratch) {
        float[] left = logits;
        int size = count;
        double sum = 0;
        float low;
        while (true) {
            high = Exp.max(left, size);
            low = Exp.min(left, size);
            if (size <= FEW || high - low < CLOSE) {
                break;
            }
            histogram(left, size, max, Math.min(high - low, DEPTH));
            int bucket = 0;
            while (bucket < BUCKETS - 1 && sum + mass[bucket] < target) {
                sum += mass[bucket++];
            }
            size = copyBucket(bucket, left, size, scratch);
            left = scratch;
        }
        if (left != scratch) {
            System.arraycopy(left, 0, scratch, 0, size);
        }
        if (low != high) {
            sort(scratch, size);
        }
        walk(scratch, size, max, target, sum);
    }

    /** Heapsort, ascending: {@link Arrays#sort(float[])} allocates. */
    private static void sort(float[] values, int size) {
        for (int i = size / 2 - 1; i >= 0; i--) {
            siftDown(values, i, size);
        }
        for (int end = size - 1; end > 0; end--) {
            float greatest = values[0];
            values[0] = values[end];
            values[end] = greatest;
            siftDown(values, 0, end);
        }
    }

    private static void siftDown(float[] values, int start, int size) {
        float value = values[start];
        int hole = start;
        int child = 2 * hole + 1;
        while (child < size) {
            if (child + 1 < size && values[child + 1] > values[child]) {
                child++;
            }
            if (values[child] <= value) {
                break;
            }
            values[hole] = values[child];
            hole = child;
            child = 2 * hole + 1;
        }
        values[hole] = value;
    }

    /** From the greatest, which is the last, to where the sum reaches the target. */
    private void walk(float[] ascending, int size, float max, double target, double before) {
        double sum = before;
        double weight = 0;
        logit = Float.NaN;
        reached = 0;
        int i = size;
        do {
            i--;
            if (ascending[i] != logit) {
                logit = ascending[i];
                weight = Exp.exp(logit - max);
                reached = 0;
            }
            reached++;
            sum += weight;
        } while (sum < target && i > 0);
        beyond = 0;
        while (i > 0 && ascending[--i] == logit) {
            beyond++;
        }
    }

    /** The logit at which the target was reached. */
    float logit() {
        return logit;
    }

    /** How many of those with this logit it took to reach the target: the first of them. */
    int reached() {
        return reached;
    }

    /** How many more there are with this logit. */
    int beyond() {
        return beyond;
    }

    /**
     * The sum of all weights, and their histogram for {@link #copyNucleus}.
     *
     * @param max the greatest logit
     */
    double histogram(float[] logits, float max) {
        high = max;
        histogram(logits, logits.length, max, DEPTH);
        double sum = 0;
        for (double part : mass) {
            sum += part;
        }
        return sum;
    }

    /**
     * Copies, in their order, the logits of those buckets of the last histogram that reach the target.
     *
     * @return how many; 0 if that takes the last bucket, where masked logits are too
     */
    int copyNucleus(float[] logits, double target, int[] ids, float[] copies) {
        int bucket = 0;
        double sum = mass[0];
        while (bucket < BUCKETS - 1 && sum < target) {
            sum += mass[++bucket];
        }
        if (bucket == BUCKETS - 1) {
            return 0;
        }
        int count = 0;
        for (int from = 0; from < logits.length; from += Exp.BLOCK) {
            int size = Math.min(Exp.BLOCK, logits.length - from);
            findBuckets(logits, from, size);
            for (int i = 0; i < size; i++) {
                ids[count] = from + i;
                copies[count] = logits[from + i];
                count += (buckets[i] - bucket - 1) >>> 31; // no branch: which logits are copied is no pattern
            }
        }
        return count;
    }

    private void histogram(float[] logits, int count, float max, float depth) {
        scale = BUCKETS / depth;
        Arrays.fill(mass, 0);
        for (int from = 0; from < count; from += Exp.BLOCK) {
            int size = Math.min(Exp.BLOCK, count - from);
            double[] weights = exp.block(logits, from, size, max);
            findBuckets(logits, from, size);
            for (int i = 0; i < size; i++) {
                mass[buckets[i]] += weights[i];
            }
        }
    }

    /** The buckets of some logits, from 0 for {@link #high} on; the greatest and the least never share one. */
    private void findBuckets(float[] logits, int from, int size) {
        for (int i = 0; i < size; i++) {
            buckets[i] = (int) Math.min((high - logits[from + i]) * scale, BUCKETS - 1f);
        }
    }

    private int copyBucket(int wanted, float[] source, int count, float[] target) {
        int copied = 0;
        for (int from = 0; from < count; from += Exp.BLOCK) {
            int size = Math.min(Exp.BLOCK, count - from);
            findBuckets(source, from, size);
            for (int i = 0; i < size; i++) {
                int difference = buckets[i] - wanted;
                target[copied] = source[from + i];
                copied += 1 + ((difference | -difference) >> 31); // 1 where there is no difference, 0 elsewhere
            }
        }
        return copied;
    }
}
