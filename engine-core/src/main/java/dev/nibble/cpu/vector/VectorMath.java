package dev.nibble.cpu.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Transcendental functions on vectors. */
final class VectorMath {
    private static final float LOG2_E = 1.442695f;
    // ln 2 in two parts: n · LN2_HIGH is exact for the exponents n of floats
    private static final float LN2_HIGH = 0x1.63p-1f;
    private static final float LN2_LOW = -0.00021219444f;
    private static final float ROUND = 0x1.8p23f; // added and subtracted, it rounds to an integer
    private static final float LOWEST = -87.33f; // exp of less is no normal float
    private static final float HIGHEST = 88.37f; // exp of more has no exponent field below infinity's

    private VectorMath() {}

    /**
     * e to the power x, within 2 ulp; x is clamped to [{@value #LOWEST}, {@value #HIGHEST}]. Polynomial of expf in
     * Moshier's Cephes library.
     */
    static FloatVector exp(FloatVector x) {
        FloatVector clamped = x.max(LOWEST).min(HIGHEST);
        FloatVector shifted = clamped.mul(LOG2_E).add(ROUND);
        FloatVector n = shifted.sub(ROUND);
        FloatVector r = n.fma(Lanes.broadcast(-LN2_HIGH), clamped);
        r = n.fma(Lanes.broadcast(-LN2_LOW), r);
        FloatVector p = Lanes.broadcast(0.00019875691f);
        p = p.fma(r, Lanes.broadcast(0.0013981999f));
        p = p.fma(r, Lanes.broadcast(0.008333452f));
        p = p.fma(r, Lanes.broadcast(0.041665796f));
        p = p.fma(r, Lanes.broadcast(0.16666666f));
        p = p.fma(r, Lanes.broadcast(0.5f));
        p = p.fma(r.mul(r), r).add(1);
        // the integer sits in the lower bits of the rounded sum
        return p.mul(shifted.reinterpretAsInts()
                .lanewise(VectorOperators.LSHL, 23)
                .add(127 << 23)
                .reinterpretAsFloats());
    }

    /** x · sigmoid(y). */
    static FloatVector timesSigmoid(FloatVector x, FloatVector y) {
        return x.div(exp(y.neg()).add(1));
    }

    /** Smallest argument of which {@link #exp} gives the exponential and not a constant. */
    static float lowest() {
        return LOWEST;
    }
}
