package dev.nibble.cpu.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.KvCacheType;
import dev.nibble.KvCacheTypes;
import dev.nibble.NibbleException;
import dev.nibble.cpu.KernelFamilies;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.KvCache;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A KV cache tells the infinities it made itself from those it was given, and from what is no number at all. */
class KvOverflowTest {
    private static final int DIM = 64;

    private static boolean overflows(KvCacheType type, float key, float value) {
        return overflows(KvCacheTypes.of(type), key, value);
    }

    private static boolean overflows(KvCacheTypes types, float key, float value) {
        KvCache cache = KvCache.alone(
                2, DIM, DIM, types, 600, 0, 16, KernelFamilies.select().ops());
        try {
            float[] keys = new float[2 * DIM];
            float[] values = new float[2 * DIM];
            Arrays.fill(keys, -3);
            Arrays.fill(values, 5);
            cache.write(0, keys, 0, values, 0, new Scratch());
            keys[2 * DIM - 1] = key;
            values[DIM + 7] = value;
            cache.write(300, keys, 0, values, 0, new Scratch());
            return cache.hasOverflowed();
        } finally {
            cache.free();
        }
    }

    @ParameterizedTest
    @EnumSource(KvCacheType.class)
    void whatTheTypeCanHoldIsNoOverflow(KvCacheType type) {
        assertThat(overflows(type, 65504, -65504)).isFalse();
        if (type == KvCacheType.F32 || type == KvCacheType.F16) { // others have no NaN
            assertThat(overflows(type, Float.NaN, 1)).as("a damaged file").isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = KvCacheType.class,
            names = {"F32", "F16"})
    void whatItCannotHoldIsFoundInKeysAndInValues(KvCacheType type) {
        boolean narrow = type != KvCacheType.F32;
        assertThat(overflows(type, 1e9f, 1)).isEqualTo(narrow);
        assertThat(overflows(type, 1, -1e9f)).isEqualTo(narrow);
    }

    @Test
    void whatOneTypeHoldsIsNotReadAsAnother() {
        KvCacheTypes halfKeys = new KvCacheTypes(KvCacheType.F16, KvCacheType.Q4_0);
        assertThat(overflows(halfKeys, 1, -60000)).isFalse();
        assertThat(overflows(halfKeys, 1e9f, 1)).isTrue();
        KvCacheTypes halfValues = new KvCacheTypes(KvCacheType.F32, KvCacheType.F16);
        assertThat(overflows(halfValues, 1e9f, 1)).isFalse();
        assertThat(overflows(halfValues, 1, 1e9f)).isTrue();
    }

    @ParameterizedTest
    @EnumSource(
            value = KvCacheType.class,
            names = {"Q8_0", "Q4_0"})
    void blocksWithAScaleRefuseWhatTheyCannotHold(KvCacheType type) {
        assertThatThrownBy(() -> overflows(type, 1e9f, 1))
                .isInstanceOf(NibbleException.class)
                .hasMessageContaining("the KV cache of type " + type + " cannot hold")
                .hasMessageContaining("--kv f32");
    }
}
