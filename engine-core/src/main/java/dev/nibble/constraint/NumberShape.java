package dev.nibble.constraint;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The numbers that a schema allows.
 *
 * @param integer whether only integers are
 * @param low the lower bound, null for none
 * @param lowOpen whether the bound itself is outside
 * @param high the upper bound, null for none
 * @param highOpen whether the bound itself is outside
 * @param multiples every number is a multiple of each
 */
record NumberShape(
        boolean integer,
        @Nullable BigDecimal low,
        boolean lowOpen,
        @Nullable BigDecimal high,
        boolean highOpen,
        Set<BigDecimal> multiples) {

    static final NumberShape ANY = new NumberShape(false, null, false, null, false, Set.of());
    static final NumberShape INTEGER = new NumberShape(true, null, false, null, false, Set.of());

    NumberShape withLow(BigDecimal bound, boolean open) {
        return new NumberShape(integer, bound, open, high, highOpen, multiples);
    }

    NumberShape withHigh(BigDecimal bound, boolean open) {
        return new NumberShape(integer, low, lowOpen, bound, open, multiples);
    }

    NumberShape withMultiple(BigDecimal divisor) {
        Set<BigDecimal> all = new LinkedHashSet<>(multiples);
        all.add(divisor);
        return new NumberShape(integer, low, lowOpen, high, highOpen, all);
    }

    /** The numbers in both. */
    NumberShape and(NumberShape other) {
        NumberShape result = new NumberShape(integer || other.integer, low, lowOpen, high, highOpen, multiples);
        BigDecimal bound = other.low;
        if (bound != null) {
            int compared = low == null ? -1 : low.compareTo(bound);
            if (compared < 0 || compared == 0 && other.lowOpen) {
                result = result.withLow(bound, other.lowOpen);
            }
        }
        bound = other.high;
        if (bound != null) {
            int compared = high == null ? 1 : high.compareTo(bound);
            if (compared > 0 || compared == 0 && other.highOpen) {
                result = result.withHigh(bound, other.highOpen);
            }
        }
        for (BigDecimal multiple : other.multiples) {
            result = result.withMultiple(multiple);
        }
        return result;
    }

    /** The numbers outside, in parts. */
    List<NumberShape> complement() {
        if (integer || !multiples.isEmpty()) {
            throw new UnsupportedOperationException(integer ? "type" : "multipleOf");
        }
        List<NumberShape> outside = new ArrayList<>();
        if (low != null) {
            outside.add(ANY.withHigh(low, !lowOpen));
        }
        if (high != null) {
            outside.add(ANY.withLow(high, !highOpen));
        }
        return outside;
    }

    boolean accepts(BigDecimal value) {
        int above = low == null ? 1 : value.compareTo(low);
        int below = high == null ? -1 : value.compareTo(high);
        if (integer && value.stripTrailingZeros().scale() > 0
                || above < 0
                || above == 0 && lowOpen
                || below > 0
                || below == 0 && highOpen) {
            return false;
        }
        return multiples.stream().allMatch(divisor -> value.remainder(divisor).signum() == 0);
    }
}
