package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GenerationOptionsTest {
    private static final GenerationOptions DEFAULT = GenerationOptions.DEFAULT;

    static Stream<Arguments> invalid() {
        return Stream.of(
                invalid(o -> o.withMaxTokens(-1), "maxTokens must be 0 or more, not -1"),
                invalid(o -> o.withTemperature(-0.1f), "temperature must be 0 or more, not -0.1"),
                invalid(o -> o.withTemperature(Float.NaN), "temperature must be 0 or more, not NaN"),
                invalid(o -> o.withTemperature(Float.POSITIVE_INFINITY), "temperature must be 0 or more, not Infinity"),
                invalid(o -> o.withTopK(-1), "topK must be 0 or more, not -1"),
                invalid(o -> o.withTopP(1.5f), "topP must be from 0.0 to 1.0, not 1.5"),
                invalid(o -> o.withMinP(-1), "minP must be from 0.0 to 1.0, not -1.0"),
                invalid(o -> o.withTypicalP(2), "typicalP must be from 0.0 to 1.0, not 2.0"),
                invalid(o -> o.withXtcProbability(2), "xtcProbability must be from 0.0 to 1.0, not 2.0"),
                invalid(o -> o.withXtcThreshold(2), "xtcThreshold must be from 0.0 to 1.0, not 2.0"),
                invalid(o -> o.withRepeatPenalty(0), "repeatPenalty must be more than 0, not 0.0"),
                invalid(o -> o.withRepeatLastN(-2), "repeatLastN must be -1 or more, not -2"),
                invalid(
                        o -> o.withFrequencyPenalty(Float.NEGATIVE_INFINITY),
                        "frequencyPenalty must be finite, not -Infinity"),
                invalid(o -> o.withPresencePenalty(Float.NaN), "presencePenalty must be finite, not NaN"),
                invalid(o -> o.withStop("a", ""), "stop must not contain an empty string"),
                invalid(o -> o.withLogitBias(Map.of(-3, 1f)), "logitBias: a token id must be 0 or more, not -3"),
                invalid(
                        o -> o.withLogitBias(Map.of(3, Float.NaN)),
                        "logitBias of token 3 must be finite or negative infinity, not NaN"));
    }

    private static Arguments invalid(UnaryOperator<GenerationOptions> change, String message) {
        return Arguments.of(change, message);
    }

    @ParameterizedTest
    @MethodSource
    void invalid(Object change, String message) {
        @SuppressWarnings("unchecked")
        UnaryOperator<GenerationOptions> operator = (UnaryOperator<GenerationOptions>) change;
        assertThatThrownBy(() -> operator.apply(DEFAULT))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void defaults() {
        assertThat(DEFAULT.temperature()).isEqualTo(0.8f);
        assertThat(DEFAULT.topK()).isEqualTo(40);
        assertThat(DEFAULT.topP()).isEqualTo(0.95f);
        assertThat(DEFAULT.minP()).isEqualTo(0.05f);
        assertThat(DEFAULT.typicalP()).isEqualTo(1);
        assertThat(DEFAULT.repeatPenalty()).isEqualTo(1);
        assertThat(DEFAULT.repeatLastN()).isEqualTo(64);
        assertThat(DEFAULT.frequencyPenalty()).isZero();
        assertThat(DEFAULT.presencePenalty()).isZero();
        assertThat(DEFAULT.maxTokens()).isEqualTo(Integer.MAX_VALUE);
        assertThat(DEFAULT.seed()).isEmpty();
        assertThat(DEFAULT.stop()).isEmpty();
        assertThat(GenerationOptions.GREEDY.temperature()).isZero();
    }

    @Test
    void whatIsSetWinsOverOtherDefaults() {
        GenerationOptions file = DEFAULT.withTemperature(0.3f).withTopK(7);
        GenerationOptions merged = DEFAULT.withTopK(40).withMinP(0.1f).orElse(file);
        assertThat(merged.temperature()).isEqualTo(0.3f);
        assertThat(merged.topK()).isEqualTo(40); // set, although to the library's default
        assertThat(merged.minP()).isEqualTo(0.1f);
        assertThat(merged.topP()).isEqualTo(0.95f);
    }

    @Test
    void optionsAreValues() {
        GenerationOptions options = DEFAULT.withSeed(3).withStop("x");
        assertThat(options)
                .isEqualTo(DEFAULT.withStop("x").withSeed(3))
                .hasSameHashCodeAs(DEFAULT.withStop("x").withSeed(3))
                .isNotEqualTo(DEFAULT.withSeed(3))
                .hasToString("GenerationOptions[seed=OptionalLong[3], stop=[x]]");
        assertThat(DEFAULT).hasToString("GenerationOptions[]");
    }

    @Test
    void collectionsAreCopied() {
        List<String> stop = new ArrayList<>(List.of("a"));
        GenerationOptions options = DEFAULT.withStop(stop);
        stop.add("b");
        assertThat(options.stop()).containsExactly("a");
    }

    @Test
    void aRepeatPenaltyTooNearToZeroIsToldAsThat() {
        assertThatThrownBy(() -> GenerationOptions.DEFAULT.withRepeatPenalty(Float.MIN_VALUE))
                .hasMessage("repeatPenalty must be at least 1.1754944E-38, the least normal float, not 1.4E-45");
        assertThatThrownBy(() -> GenerationOptions.DEFAULT.withRepeatPenalty(0))
                .hasMessage("repeatPenalty must be more than 0, not 0.0");
        assertThat(GenerationOptions.DEFAULT.withRepeatPenalty(Float.MIN_NORMAL).repeatPenalty())
                .isEqualTo(Float.MIN_NORMAL);
    }
}
