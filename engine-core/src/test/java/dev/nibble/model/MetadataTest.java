package dev.nibble.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MetadataTest {
    @Test
    void aStringHasAFileAndALineForEachKey() {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("general.architecture", "llama");
        values.put("llama.context_length", 8192L);
        values.put("general.sampling.temp", 0.5);
        values.put("tokenizer.ggml.add_bos_token", true);
        values.put("tokenizer.ggml.scores", new float[3]);
        values.put("tokenizer.chat_template", "first line\nsecond line");
        values.put("general.description", "x".repeat(100));
        assertThat(new Metadata("model.gguf", values).toString().lines())
                .containsExactly(
                        "model.gguf",
                        "general.architecture = llama",
                        "llama.context_length = 8192",
                        "general.sampling.temp = 0.5",
                        "tokenizer.ggml.add_bos_token = true",
                        "tokenizer.ggml.scores = an array of 3 f32",
                        "tokenizer.chat_template = first line... (22 characters)",
                        "general.description = " + "x".repeat(80) + "... (100 characters)");
    }
}
