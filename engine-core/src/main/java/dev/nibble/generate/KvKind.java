package dev.nibble.generate;

import dev.nibble.KvCacheType;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.util.Arrays;

/**
 * What the keys and values of a sequence depend on beside its tokens: only sequences of the same kind can share them.
 *
 * @param type in which they are kept
 * @param adapters the scale of each adapter of the model
 */
record KvKind(KvCacheType type, float[] adapters) {

    /** An empty sequence of this kind. */
    Sequence newSequence(ForwardPass pass, int contextLength) {
        Sequence sequence = pass.newSequence(contextLength, type);
        if (adapters.length > 0) {
            sequence.useAdapters(adapters);
        }
        return sequence;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof KvKind kind && type == kind.type && Arrays.equals(adapters, kind.adapters);
    }

    @Override
    public int hashCode() {
        return 31 * type.hashCode() + Arrays.hashCode(adapters);
    }

    @Override
    public String toString() {
        return type + " " + Arrays.toString(adapters);
    }
}
