package dev.nibble.generate;

import dev.nibble.KvCacheTypes;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.util.Arrays;

/**
 * What the keys and values of a sequence depend on beside its tokens: only sequences of the same kind can share them.
 *
 * @param types in which they are kept
 * @param adapters the scale of each adapter of the model
 */
record KvKind(KvCacheTypes types, float[] adapters) {

    /** An empty sequence of this kind. */
    Sequence newSequence(ForwardPass pass, int contextLength) {
        Sequence sequence = pass.newSequence(contextLength, types);
        if (adapters.length > 0) {
            sequence.useAdapters(adapters);
        }
        return sequence;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof KvKind kind && types.equals(kind.types) && Arrays.equals(adapters, kind.adapters);
    }

    @Override
    public int hashCode() {
        return 31 * types.hashCode() + Arrays.hashCode(adapters);
    }

    @Override
    public String toString() {
        return types + " " + Arrays.toString(adapters);
    }
}
