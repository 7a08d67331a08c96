package dev.nibble.tornado;

import static dev.nibble.tornado.KernelCheck.EPSILON;
import static dev.nibble.tornado.KernelCheck.FUNCTION_ULPS;

import dev.nibble.tornado.KernelCheck.FloatView;
import dev.nibble.tornado.kernels.OutputKernels;
import java.util.List;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** Checks the choice of a token. */
final class ChoiceChecks {
    /** More than one round of all work-items, and a rest. */
    private static final int COUNT = 2 * OutputKernels.GROUPS * OutputKernels.LANES + 17;

    private static final float SCALE = 0.75f;

    private ChoiceChecks() {}

    /** Random logits, some groups with two equal ones, and one banned. */
    static KernelCheck best() {
        FloatArray logits = new CheckData(300).floats(COUNT);
        for (int i = 0; i < COUNT; i += OutputKernels.LANES + 1) {
            logits.set(i, 6); // more than any random one: the lowest id wins
        }
        logits.set(1, Float.NEGATIVE_INFINITY);
        FloatArray result = new FloatArray(OutputKernels.GROUPS * OutputKernels.RESULT_SIZE);
        Launch launch = Launch.of(
                "best", OutputKernels.GROUPS, OutputKernels.LANES, OutputKernels::best, logits, result, COUNT, SCALE);
        double[] expected = new double[result.getSize()];
        double[] bounds = new double[result.getSize()];
        for (int group = 0; group < OutputKernels.GROUPS; group++) {
            group(logits, group, expected, bounds);
        }
        Graph graph = new Graph(MatrixChecks.graphName(launch), List.of(logits), List.of(launch), List.of(result));
        return new KernelCheck(graph, FloatView.of(result), i -> expected[i], i -> bounds[i]);
    }

    private static void group(FloatArray logits, int group, double[] expected, double[] bounds) {
        int token = -1;
        float most = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < COUNT; i++) {
            boolean own = i / OutputKernels.LANES % OutputKernels.GROUPS == group;
            if (own && logits.get(i) * SCALE > most) {
                most = logits.get(i) * SCALE;
                token = i;
            }
        }
        double sum = 0;
        double error = 0;
        for (int i = 0; i < COUNT; i++) {
            if (i / OutputKernels.LANES % OutputKernels.GROUPS == group) {
                double difference = logits.get(i) * SCALE - most;
                double share = Math.exp(difference);
                sum += share;
                // two exponentials and their arguments, each off by ε of its size, and a rounding for each addition
                error += Double.isInfinite(difference)
                        ? 0
                        : share * (2 * FUNCTION_ULPS + 2 * Math.abs(difference) + OutputKernels.LANES);
            }
        }
        int at = group * OutputKernels.RESULT_SIZE;
        expected[at + OutputKernels.TOKEN] = token;
        expected[at + OutputKernels.LOGIT] = most;
        expected[at + OutputKernels.SUM] = sum;
        bounds[at + OutputKernels.TOKEN] = Double.MIN_VALUE;
        bounds[at + OutputKernels.LOGIT] = Double.MIN_VALUE;
        bounds[at + OutputKernels.SUM] = EPSILON * error;
    }
}
