package dev.nibble.tornado;

import java.util.function.IntToDoubleFunction;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * One kernel on small random data beside what it should give, computed in double.
 *
 * @param graph the one launch, which uploads its data and downloads its result
 * @param actual what the kernel wrote
 * @param expected the value of each element
 * @param bound how far rounding can take each element from it
 */
record KernelCheck(Graph graph, FloatView actual, IntToDoubleFunction expected, IntToDoubleFunction bound) {

    /** Half an ulp of 1: the relative error of one float operation. */
    static final double EPSILON = 0x1p-24;

    /** What devices may be off in an exponential, a logarithm or a square root, in ulps; OpenCL asks for 3 or 4. */
    static final int FUNCTION_ULPS = 8;

    /** A result as floats. */
    interface FloatView {
        int size();

        float get(int index);

        static FloatView of(FloatArray array) {
            return new FloatView() {
                @Override
                public int size() {
                    return array.getSize();
                }

                @Override
                public float get(int index) {
                    return array.get(index);
                }
            };
        }
    }

    String name() {
        return graph.launches().getFirst().name();
    }

    /** Why the result is wrong, with its worst element, or an empty string if it is right. */
    String failure() {
        double worst = 0;
        int at = -1;
        for (int i = 0; i < actual.size(); i++) {
            double difference = Math.abs(actual.get(i) - expected.applyAsDouble(i));
            double allowed = bound.applyAsDouble(i);
            double ratio = difference == 0 ? 0 : difference / allowed;
            if (!(ratio <= 1) && !(ratio <= worst)) {
                worst = Double.isNaN(ratio) ? Double.POSITIVE_INFINITY : ratio;
                at = i;
            }
        }
        return at < 0
                ? ""
                : "kernel " + name() + ", worst at " + at + ": expected " + expected.applyAsDouble(at) + ", actual "
                        + actual.get(at) + ", bound " + bound.applyAsDouble(at);
    }
}
