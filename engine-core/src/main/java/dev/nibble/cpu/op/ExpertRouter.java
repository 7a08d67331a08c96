package dev.nibble.cpu.op;

import dev.nibble.model.FeedForward.Experts;
import java.util.Arrays;

/**
 * Chooses the experts of each row, and groups the rows by expert, so that each expert is one matrix multiplication.
 *
 * <p>A slot is one row at one of its experts; slots are numbered expert by expert, the rows of an expert in order.
 */
final class ExpertRouter {
    /** Sums of weights are not allowed below this (the smallest normal half), as in llama.cpp. */
    private static final float MIN_WEIGHT_SUM = 6.1035156e-5f;

    private final Experts config;
    private final int experts;
    private final float[] choice; // [experts]
    private final float[] groupSums; // [groups]
    private final int[] starts; // [experts + 1], slots of an expert
    private final int[] next; // [experts]
    private final int[] active; // the experts that are chosen by a row, ascending
    private int activeCount;
    private int[] chosen = new int[0]; // [rows, used]
    private float[] weights = new float[0]; // [rows, used]
    private int[] slots = new int[0]; // [rows, used], slot of a row's choice
    private int[] slotRows = new int[0]; // [rows * used], row of a slot

    ExpertRouter(Experts config) {
        this.config = config;
        experts = config.router().outputSize();
        choice = new float[experts];
        groupSums = new float[config.groups() == null ? 0 : config.groups().count()];
        starts = new int[experts + 1];
        next = new int[experts];
        active = new int[experts];
    }

    /** Chooses experts by the router's outputs, [rows, experts], which are overwritten. */
    void route(float[] logits, int rows) {
        int used = config.used();
        if (chosen.length < rows * used) {
            chosen = new int[rows * used];
            weights = new float[rows * used];
            slots = new int[rows * used];
            slotRows = new int[rows * used];
        }
        Arrays.fill(starts, 0);
        for (int row = 0; row < rows; row++) {
            choose(logits, row * experts, row * used);
            for (int i = 0; i < used; i++) {
                starts[chosen[row * used + i] + 1]++;
            }
        }
        activeCount = 0;
        for (int expert = 0; expert < experts; expert++) {
            if (starts[expert + 1] > 0) {
                active[activeCount++] = expert;
            }
            starts[expert + 1] += starts[expert];
            next[expert] = starts[expert];
        }
        for (int i = 0; i < rows * used; i++) {
            int slot = next[chosen[i]]++;
            slots[i] = slot;
            slotRows[slot] = i / used;
        }
    }

    private void choose(float[] logits, int at, int out) {
        switch (config.gating()) {
            case SOFTMAX -> softmax(logits, at, experts);
            case SIGMOID -> {
                for (int i = 0; i < experts; i++) {
                    logits[at + i] = (float) (1 / (1 + Math.exp(-logits[at + i])));
                }
            }
            case SOFTMAX_OF_CHOSEN -> {}
        }
        float[] bias = config.selectionBias();
        for (int i = 0; i < experts; i++) {
            choice[i] = logits[at + i] + (bias == null ? 0 : bias[i]);
        }
        Experts.Groups groups = config.groups();
        if (groups != null) {
            keepBestGroups(groups);
        }
        for (int i = 0; i < config.used(); i++) {
            int best = greatest(choice);
            choice[best] = Float.NEGATIVE_INFINITY;
            chosen[out + i] = best;
            weights[out + i] = logits[at + best];
        }
        if (config.gating() == Experts.Gating.SOFTMAX_OF_CHOSEN) {
            softmax(weights, out, config.used());
        }
        float factor = config.weightScale();
        if (config.normalize()) {
            float sum = 0;
            for (int i = 0; i < config.used(); i++) {
                sum += weights[out + i];
            }
            factor /= Math.max(sum, MIN_WEIGHT_SUM);
        }
        for (int i = 0; i < config.used(); i++) {
            weights[out + i] *= factor;
        }
    }

    /** Takes the experts of all but the groups with the greatest sums of their two best out of the choice. */
    private void keepBestGroups(Experts.Groups groups) {
        int size = experts / groups.count();
        float[] sums = groupSums;
        for (int group = 0; group < sums.length; group++) {
            float first = Float.NEGATIVE_INFINITY;
            float second = Float.NEGATIVE_INFINITY;
            for (int expert = group * size; expert < (group + 1) * size; expert++) {
                second = Math.max(second, Math.min(first, choice[expert]));
                first = Math.max(first, choice[expert]);
            }
            sums[group] = first + second;
        }
        for (int i = 0; i < groups.used(); i++) {
            sums[greatest(sums)] = Float.NEGATIVE_INFINITY;
        }
        for (int group = 0; group < sums.length; group++) {
            if (sums[group] != Float.NEGATIVE_INFINITY) {
                Arrays.fill(choice, group * size, (group + 1) * size, Float.NEGATIVE_INFINITY);
            }
        }
    }

    /** The first of the greatest values. */
    private static int greatest(float[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            if (values[i] > values[best]) {
                best = i;
            }
        }
        return best;
    }

    private static void softmax(float[] values, int at, int count) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            max = Math.max(max, values[at + i]);
        }
        double sum = 0;
        for (int i = 0; i < count; i++) {
            double e = Math.exp(values[at + i] - max);
            values[at + i] = (float) e;
            sum += e;
        }
        for (int i = 0; i < count; i++) {
            values[at + i] = (float) (values[at + i] / sum);
        }
    }

    /** How many experts are chosen by at least one row. */
    int active() {
        return activeCount;
    }

    /** One of the experts that are chosen by at least one row. */
    int expert(int index) {
        return active[index];
    }

    /** First slot of an expert; of the expert after the last one: the number of slots. */
    int start(int expert) {
        return starts[expert];
    }

    /** The row of a slot. */
    int row(int slot) {
        return slotRows[slot];
    }

    /** The slot of a row's choice {@code i}. */
    int slot(int row, int i) {
        return slots[row * config.used() + i];
    }

    /** The weight of a row's choice {@code i}. */
    float weight(int row, int i) {
        return weights[row * config.used() + i];
    }
}
