package dev.nibble.generate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.GenerationOptions;
import org.junit.jupiter.api.Test;

class SamplingDefaultsTest {
    private static final long SMALL = 135_000_000;
    private static final long LARGE = 8_000_000_000L;

    @Test
    void smallModelsChatCarefully() {
        GenerationOptions chat = SamplingDefaults.ofChat(GenerationOptions.DEFAULT, SMALL);
        assertThat(chat.temperature()).isEqualTo(0.5f);
        assertThat(chat.topP()).isEqualTo(0.9f);
        assertThat(chat.topK()).isEqualTo(GenerationOptions.DEFAULT.topK());
    }

    @Test
    void largeModelsChatAsTheyGenerate() {
        GenerationOptions chat = SamplingDefaults.ofChat(GenerationOptions.DEFAULT, LARGE);
        assertThat(chat.temperature()).isEqualTo(GenerationOptions.DEFAULT.temperature());
        assertThat(chat.topP()).isEqualTo(GenerationOptions.DEFAULT.topP());
    }

    @Test
    void theFileAndTheUserComeFirst() {
        GenerationOptions file = GenerationOptions.DEFAULT.withTemperature(0.6f);
        GenerationOptions chat = SamplingDefaults.ofChat(file, SMALL);
        assertThat(chat.temperature()).isEqualTo(0.6f);
        assertThat(chat.frequencyPenalty()).isZero();
    }
}
