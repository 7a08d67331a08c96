package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.GenerationOptions;
import dev.nibble.chat.ChatMessage;
import dev.nibble.cli.models.ModelDefaults;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a package says of a model, as the commands apply it. */
class PackagedDefaultsTest {
    private static ModelDefaults of(@Nullable String system, Map<String, Object> parameters) {
        return new ModelDefaults(system, List.of(), parameters, false, List.of());
    }

    @Test
    void parametersBecomeOptions() throws IOException {
        PackagedDefaults packaged = new PackagedDefaults(of(
                null,
                Map.of(
                        "temperature",
                        0.25,
                        "top_k",
                        7,
                        "top_p",
                        0.5,
                        "min_p",
                        0.125,
                        "repeat_penalty",
                        1.5,
                        "seed",
                        11L,
                        "stop",
                        List.of("a", "b"),
                        "num_ctx",
                        64,
                        "num_predict",
                        5,
                        "num_gpu",
                        99)));
        GenerationOptions options = packaged.options();
        assertThat(options.temperature()).isEqualTo(0.25f);
        assertThat(options.topK()).isEqualTo(7);
        assertThat(options.topP()).isEqualTo(0.5f);
        assertThat(options.minP()).isEqualTo(0.125f);
        assertThat(options.repeatPenalty()).isEqualTo(1.5f);
        assertThat(options.seed()).isEqualTo(OptionalLong.of(11));
        assertThat(options.stop()).containsExactly("a", "b");
        assertThat(options.maxTokens()).hasValue(5);
        assertThat(packaged.context()).isEqualTo(64);
        assertThat(packaged.notes(true, true)).isEmpty();
    }

    @Test
    void whatIsNotSupportedIsNamed() throws IOException {
        PackagedDefaults packaged = new PackagedDefaults(
                new ModelDefaults("Be brief.", List.of(), Map.of("mirostat", 2), true, List.of("odd")));
        assertThat(packaged.notes(true, true)).singleElement().asString().contains("mirostat", "odd");
        assertThat(packaged.notes(true, false)).hasSize(2).last().asString().contains("template");
        assertThat(packaged.notes(false, true)).hasSize(2).last().asString().contains("--chat only");
    }

    @Test
    void whatIsGivenComesFirst() throws IOException {
        PackagedDefaults packaged = new PackagedDefaults(new ModelDefaults(
                "Be brief.", List.of(new ModelDefaults.Turn("user", "hi")), Map.of(), false, List.of()));
        assertThat(packaged.system(null)).isEqualTo("Be brief.");
        assertThat(packaged.system("")).isEmpty();
        assertThat(packaged.system("Be kind.")).isEqualTo("Be kind.");
        assertThat(packaged.opening()).containsExactly(ChatMessage.user("hi"));
    }

    @Test
    void aValueThatCannotBeIsRefusedByName() {
        for (Map<String, Object> wrong : List.<Map<String, Object>>of(
                Map.of("temperature", "hot"), Map.of("top_p", 7), Map.of("stop", List.of(1)), Map.of("num_ctx", -1))) {
            assertThatThrownBy(() -> new PackagedDefaults(of(null, wrong)))
                    .as(wrong.toString())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(wrong.keySet().iterator().next());
        }
    }
}
