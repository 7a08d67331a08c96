package dev.nibble.cpu.op;

import dev.nibble.cpu.state.Pass;
import dev.nibble.model.FeedForward.Routing;
import java.util.Arrays;

/**
 * Chooses the experts of each row, and groups the rows by expert, so that each expert is one matrix multiplication.
 *
 * <p>A slot is one row at one of its experts; slots are numbered expert by expert, the rows of an expert in order. It holds
 * the choice of one layer at a time, and belongs to the running pass.
 */
final class ExpertRouter {
    /** Sums of weights are not allowed below this (the smallest normal half), as in llama.cpp. */
    private static final float MIN_WEIGHT_SUM = 6.1035156e-5f;

    private float[] choice = new float[0]; // [experts]
    private float[] groupSums = new float[0]; // [groups]
    private int[] starts = new int[0]; // [experts + 1], slots of an expert
    private int[] next = new int[0]; // [experts]
    private int[] active = new int[0]; // the experts that are chosen by a row, ascending
    private int activeCount;
    private int used; // experts of a row
    private int[] chosen = new int[0]; // [rows, used]
    private float[] weights = new float[0]; // [rows, used]
    private int[] slots = new int[0]; // [rows, used], slot of a row's choice
    private int[] slotRows = new int[0]; // [rows * used], row of a slot

    /** The choice of experts of the running pass. */
    static ExpertRouter of(Pass pass) {
        return pass.part(ExpertRouter.class, ExpertRouter::new);
    }

    /** Chooses experts by the router's outputs, [rows, experts], which are overwritten. */
    void route(Routing config, float[] logits, Pass pass) {
        int rows = pass.rows();
        int experts = config.router().outputSize();
        used = config.used();
        reserve(experts, rows * used);
        Routing.Groups groups = config.groups();
        if (groups != null && groupSums.length < groups.count()) {
            groupSums = new float[groups.count()];
        }
        for (int row = 0; row < rows; row++) {
            choose(config, logits, row * experts, row * used, pass.token(row));
        }
        number(experts, rows);
    }

    /**
     * Chooses groups of experts that follow each other: those of the experts with the greatest weights. The weight of a
     * group is that of the expert with its number, as llama.cpp has it, divided by the sum.
     *
     * @param values the weights of all experts, [rows, experts]
     * @param groupsUsed how many experts a row's groups are taken of; two of one group count twice
     */
    void routeGroups(float[] values, int rows, int experts, int perGroup, int groupsUsed) {
        used = groupsUsed;
        for (int row = 0; row < rows; row++) {
            System.arraycopy(values, row * experts, choice, 0, experts);
            float sum = 0;
            for (int i = row * used; i < (row + 1) * used; i++) {
                int best = greatest(choice, experts);
                choice[best] = Float.NEGATIVE_INFINITY;
                chosen[i] = best / perGroup;
                weights[i] = values[row * experts + chosen[i]];
                sum += weights[i];
            }
            for (int i = row * used; i < (row + 1) * used; i++) {
                weights[i] /= Math.max(sum, MIN_WEIGHT_SUM);
            }
        }
        number(experts / perGroup, rows);
    }

    /** Numbers the slots of what was chosen. */
    private void number(int experts, int rows) {
        Arrays.fill(starts, 0, experts + 1, 0);
        for (int i = 0; i < rows * used; i++) {
            starts[chosen[i] + 1]++;
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

    void reserve(int experts, int choices) {
        if (choice.length < experts) {
            choice = new float[experts];
            starts = new int[experts + 1];
            next = new int[experts];
            active = new int[experts];
        }
        if (chosen.length < choices) {
            chosen = new int[choices];
            weights = new float[choices];
            slots = new int[choices];
            slotRows = new int[choices];
        }
    }

    private void choose(Routing config, float[] logits, int at, int out, int token) {
        int experts = config.router().outputSize();
        switch (config.gating()) {
            case SOFTMAX -> softmax(logits, at, experts);
            case SIGMOID -> {
                for (int i = 0; i < experts; i++) {
                    logits[at + i] = (float) (1 / (1 + Math.exp(-logits[at + i])));
                }
            }
            case SQRT_SOFTPLUS -> {
                for (int i = 0; i < experts; i++) {
                    double x = logits[at + i];
                    logits[at + i] = (float) Math.sqrt(x > 20 ? x : Math.log1p(Math.exp(x)));
                }
            }
            case SOFTMAX_OF_CHOSEN -> {}
        }
        float[] bias = config.selectionBias();
        for (int i = 0; i < experts; i++) {
            choice[i] = logits[at + i] + (bias == null ? 0 : bias[i]);
        }
        Routing.Groups groups = config.groups();
        if (groups != null) {
            keepBestGroups(groups, experts);
        }
        int[] byToken = config.byToken();
        for (int i = 0; i < used; i++) {
            int best = byToken == null ? greatest(choice, experts) : byToken[token * used + i];
            choice[best] = Float.NEGATIVE_INFINITY;
            chosen[out + i] = best;
            weights[out + i] = logits[at + best];
        }
        if (config.gating() == Routing.Gating.SOFTMAX_OF_CHOSEN) {
            softmax(weights, out, used);
        }
        float factor = config.weightScale();
        if (config.normalize()) {
            float sum = 0;
            for (int i = 0; i < used; i++) {
                sum += weights[out + i];
            }
            factor /= Math.max(sum, MIN_WEIGHT_SUM);
        }
        for (int i = 0; i < used; i++) {
            weights[out + i] *= factor;
        }
    }

    /** Takes the experts of all but the groups with the greatest sums of their two best out of the choice. */
    private void keepBestGroups(Routing.Groups groups, int experts) {
        int size = experts / groups.count();
        float[] sums = groupSums;
        for (int group = 0; group < groups.count(); group++) {
            float first = Float.NEGATIVE_INFINITY;
            float second = Float.NEGATIVE_INFINITY;
            for (int expert = group * size; expert < (group + 1) * size; expert++) {
                second = Math.max(second, Math.min(first, choice[expert]));
                first = Math.max(first, choice[expert]);
            }
            sums[group] = first + second;
        }
        for (int i = 0; i < groups.used(); i++) {
            sums[greatest(sums, groups.count())] = Float.NEGATIVE_INFINITY;
        }
        for (int group = 0; group < groups.count(); group++) {
            if (sums[group] != Float.NEGATIVE_INFINITY) {
                Arrays.fill(choice, group * size, (group + 1) * size, Float.NEGATIVE_INFINITY);
            }
        }
    }

    /** The first of the greatest values. */
    private static int greatest(float[] values, int count) {
        int best = 0;
        for (int i = 1; i < count; i++) {
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

    /** The rows of all slots. */
    int[] rows() {
        return slotRows;
    }

    /** The slot of a row's choice {@code i}. */
    int slot(int row, int i) {
        return slots[row * used + i];
    }

    /** The weight of a row's choice {@code i}. */
    float weight(int row, int i) {
        return weights[row * used + i];
    }
}
