package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.KvCacheType;
import dev.nibble.KvCacheTypes;
import dev.nibble.NibbleException;
import dev.nibble.OutOfMemoryException;
import dev.nibble.OutOfMemoryException.Remedy;
import java.util.List;
import org.junit.jupiter.api.Test;

class MemoryAdviceTest {
    @Test
    void speaksOfOptionsOfTheCommandLineOnly() {
        OutOfMemoryException all = new OutOfMemoryException("none is left", List.of(Remedy.values()), 0);
        assertThat(all.getMessage()).startsWith("none is left; ").contains("LoadOptions.withRepack(false)");
        assertThat(MemoryAdvice.of(all))
                .startsWith("none is left; --no-repack needs less; ")
                .contains("NIBBLE_JAVA_OPTS=-Xmx")
                .doesNotContain("LoadOptions", "SessionOptions");
        assertThat(MemoryAdvice.of(new OutOfMemoryException("plain"))).isEqualTo("plain");
    }

    @Test
    void scoresThatAreNoNumbersAreRefused() {
        float[] logits = {1, 2, 3, Float.NEGATIVE_INFINITY, 5, 6};
        Logits.requireNumbers(logits, 0, 3, 0, KvCacheTypes.of(KvCacheType.F16));
        assertThatThrownBy(() -> Logits.requireNumbers(logits, 3, 3, 1, KvCacheTypes.of(KvCacheType.F16)))
                .isInstanceOf(NibbleException.class)
                .hasMessageContaining("after 2 tokens")
                .hasMessageContaining("--kv f32");
        assertThatThrownBy(() -> Logits.requireNumbers(logits, 3, 3, 1, KvCacheTypes.of(KvCacheType.F32)))
                .hasMessageContaining("damaged")
                .hasMessageNotContaining("--kv");
    }
}
