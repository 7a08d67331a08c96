package dev.nibble.cpu.op;

/** The error function. */
final class Erf {
    private Erf() {}

    /**
     * erf(x) to about 1e-15: the Maclaurin series for small arguments, the continued fraction of erfc for large ones
     * (Abramowitz and Stegun 7.1.6, 7.1.14).
     */
    static double erf(double x) {
        double magnitude = Math.abs(x);
        if (magnitude > 6) {
            return Math.signum(x);
        }
        return Math.signum(x) * (magnitude < 2.5 ? series(magnitude) : 1 - fraction(magnitude));
    }

    private static double series(double x) {
        double term = x;
        double sum = x;
        for (int n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
            if (term == 0) {
                break;
            }
        }
        return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }

    private static double fraction(double x) {
        double tail = x;
        for (int n = 60; n >= 1; n--) {
            tail = x + n / 2.0 / tail;
        }
        return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
    }
}
