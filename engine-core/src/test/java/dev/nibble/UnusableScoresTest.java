package dev.nibble;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Scores that are no numbers are blamed on what made them so, as far as it is known. */
class UnusableScoresTest {
    private final FakeModel fake = new FakeModel();

    private void fails(float temperature, String... parts) {
        fake.pass.damaged = true;
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            assertThatThrownBy(() -> session.generate(
                            "hello",
                            GenerationOptions.DEFAULT
                                    .withTemperature(temperature)
                                    .withMaxTokens(3)))
                    .isInstanceOf(NibbleException.class)
                    .hasMessageContaining("hold no usable number")
                    .hasMessageContainingAll(parts);
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 0.8f})
    void aCacheThatOverflowedIsNamedWithTheWayOut(float temperature) {
        fake.pass.overflowed = true;
        fails(temperature, "KV cache of type F16", "KvCacheType.F32", "--kv f32");
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 0.8f})
    void elseItIsPerhapsTheFile(float temperature) {
        fails(temperature, "the file may be damaged");
    }
}
