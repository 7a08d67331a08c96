package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.gguf.GgufFile;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Tokenizers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares the ids of texts with those of llama.cpp, for its own vocabularies and test texts and for SmolLM2. */
class TokenizerConformanceTest {
    private static final String SEPARATOR = "\n__ggml_vocab_test__\n";

    /** Where SmolLM2-135M-Instruct is: any quantization will do, as only the vocabulary is read. */
    private static final String MODEL_PROPERTY = "nibble.smollm2";

    private static final String MODEL_VARIABLE = "NIBBLE_SMOLLM2";

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"llama-spm", "phi-3", "llama-bpe", "qwen2", "gpt-2", "bert-bge"})
    void vocabulariesOfLlamaCpp(String name) throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        Path vocabulary = Conformance.unpack(Conformance.path("tokenizers/" + name + ".gguf.gz"), folder);
        // Split by hand: Scanner and readAllLines would take carriage returns in the texts for line ends.
        String[] texts = Files.readString(Conformance.path("tokenizers/" + name + ".inp"))
                .split(SEPARATOR, -1);
        String[] ids = Files.readString(Conformance.path("tokenizers/" + name + ".out"))
                .split("\n", -1);
        assertThat(texts.length).isGreaterThan(40);
        try (GgufFile file = GgufFile.open(vocabulary)) {
            Tokenizer tokenizer = Tokenizers.from(file.metadata());
            for (int i = 0; i < texts.length; i++) {
                int[] expected = Arrays.stream(ids[i].trim().split(" "))
                        .filter(id -> !id.isEmpty())
                        .mapToInt(Integer::parseInt)
                        .toArray();
                assertThat(tokenizer.encode(texts[i], Tokenizer.Options.PLAIN))
                        .as("text %d: %s", i, texts[i])
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void textsOfSmolLm2() throws IOException {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
        String model = System.getProperty(MODEL_PROPERTY, System.getenv(MODEL_VARIABLE));
        assumeTrue(
                model != null,
                "SmolLM2 is absent: set -D" + MODEL_PROPERTY + "=FILE or " + MODEL_VARIABLE + " to its .gguf file");
        List<String> lines =
                Files.readAllLines(Conformance.path("tokenizers/SmolLM2-135M-Instruct.jsonl"), StandardCharsets.UTF_8);
        assertThat(lines).hasSize(281);
        try (GgufFile file = GgufFile.open(Path.of(model))) {
            Tokenizer tokenizer = Tokenizers.from(file.metadata());
            for (String line : lines) {
                String text = string(line, "text");
                assertThat(tokenizer.encode(text, Tokenizer.Options.PLAIN))
                        .as("plain: %s", text)
                        .isEqualTo(integers(line, "ids_plain"));
                assertThat(tokenizer.encode(text, Tokenizer.Options.TEMPLATE))
                        .as("special tokens parsed: %s", text)
                        .isEqualTo(integers(line, "ids_parse_special"));
                assertThat(tokenizer.encode(text, Tokenizer.Options.PROMPT))
                        .as("special tokens parsed and added: %s", text)
                        .isEqualTo(integers(line, "ids_add_special"));
                assertThat(tokenizer.decode(integers(line, "ids_plain"))).isEqualTo(text);
            }
        }
    }

    /** The array of integers that follows a key of a JSON object. */
    private static int[] integers(String json, String key) {
        int start = valueStart(json, key);
        String list = json.substring(json.indexOf('[', start) + 1, json.indexOf(']', start));
        return Arrays.stream(list.split(","))
                .map(String::trim)
                .filter(id -> !id.isEmpty())
                .mapToInt(Integer::parseInt)
                .toArray();
    }

    /** The string that follows a key of a JSON object. */
    private static String string(String json, String key) {
        StringBuilder text = new StringBuilder();
        int at = json.indexOf('"', valueStart(json, key)) + 1;
        for (; json.charAt(at) != '"'; at++) {
            if (json.charAt(at) != '\\') {
                text.append(json.charAt(at));
                continue;
            }
            char escape = json.charAt(++at);
            int control = "bfnrt".indexOf(escape);
            if (escape == 'u') {
                text.append((char) Integer.parseInt(json, at + 1, at + 5, 16));
                at += 4;
            } else {
                text.append(control < 0 ? escape : "\b\f\n\r\t".charAt(control));
            }
        }
        return text.toString();
    }

    private static int valueStart(String json, String key) {
        // In a text the quotes are escaped, so that this is the key itself.
        return json.indexOf("\"" + key + "\":") + key.length() + 3;
    }
}
