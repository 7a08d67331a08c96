package dev.nibble.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.ModelFormatException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.model.Metadata;
import dev.nibble.model.Model;
import dev.nibble.model.Model.Pooling;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PoolingReaderTest {
    private static Pooling read(Map<String, Object> pairs, @Nullable Pooling ofArchitecture, @Nullable Pooling asked) {
        Model model = FakeStates.model(2, ofArchitecture);
        return Objects.requireNonNull(
                PoolingReader.embedding(new Metadata("fake.gguf", pairs), model, Optional.ofNullable(asked))
                        .pooling());
    }

    @ParameterizedTest
    @CsvSource({"0,NONE", "1,MEAN", "2,FIRST", "3,LAST"})
    void theFileSaysHow(long value, Pooling expected) {
        assertThat(read(Map.of("fake.pooling_type", value), null, null)).isEqualTo(expected);
    }

    @Test
    void theOptionComesFirstAndTheArchitectureLast() {
        assertThat(read(Map.of("fake.pooling_type", 1L), Pooling.FIRST, Pooling.LAST))
                .isEqualTo(Pooling.LAST);
        assertThat(read(Map.of("fake.pooling_type", 1L), Pooling.FIRST, null)).isEqualTo(Pooling.MEAN);
        assertThat(read(Map.of("fake.pooling_type", -1L), Pooling.FIRST, null)).isEqualTo(Pooling.FIRST);
        assertThat(read(Map.of(), Pooling.FIRST, null)).isEqualTo(Pooling.FIRST);
    }

    @Test
    void whereNothingSaysHowTheErrorDoes() {
        assertThatThrownBy(() -> read(Map.of(), null, null))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("fake.gguf")
                .hasMessageContaining("fake.pooling_type")
                .hasMessageContaining("EmbeddingOptions.withPooling");
    }

    @Test
    void rerankersAndUnknownValuesAreRefusedByName() {
        assertThatThrownBy(() -> read(Map.of("fake.pooling_type", 4L), null, null))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("the pooling is 'rank'")
                .hasMessageContaining("RerankModel");
        assertThatThrownBy(() -> read(Map.of("fake.pooling_type", 7L), null, null))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("the pooling 7 is not known");
    }
}
