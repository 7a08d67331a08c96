package dev.nibble.model;

import java.util.Map;

/**
 * An adapter beside a model: low-rank additions to some of its weights.
 *
 * @param name how sessions choose it
 * @param scale what its additions are multiplied by where a session says nothing; 0 for not at all
 * @param weights the additions, by the name of the weight
 */
public record Adapter(String name, float scale, Map<String, LowRank> weights) {
    public Adapter {
        weights = Map.copyOf(weights);
    }

    /** Bytes of its matrices in the file. */
    public long byteSize() {
        return weights.values().stream()
                .mapToLong(weight ->
                        weight.a().data().byteSize() + weight.b().data().byteSize())
                .sum();
    }
}
