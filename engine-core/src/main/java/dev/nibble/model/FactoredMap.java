package dev.nibble.model;

import org.jspecify.annotations.Nullable;

/**
 * A linear map that may go through a low rank: {@code map(low(x))}, or {@code map(x)}.
 *
 * @param low [in] to the rank, or null
 * @param map from there, or from [in], to [out]
 */
public record FactoredMap(@Nullable Projection low, Projection map) {

    /** A map of one matrix. */
    public static FactoredMap of(Projection map) {
        return new FactoredMap(null, map);
    }

    /** Elements of the result. */
    public int outputSize() {
        return map.outputSize();
    }
}
