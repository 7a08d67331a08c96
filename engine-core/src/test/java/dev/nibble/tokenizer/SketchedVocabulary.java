package dev.nibble.tokenizer;

import dev.nibble.model.Metadata;
import dev.nibble.model.StringArray;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Small vocabularies for tests, as the metadata of a file. */
final class SketchedVocabulary {
    private final Map<String, Object> keys = new LinkedHashMap<>();
    private final List<byte[]> tokens = new ArrayList<>();
    private final List<TokenType> types = new ArrayList<>();
    private final List<Float> scores = new ArrayList<>();
    private final List<byte[]> merges = new ArrayList<>();

    SketchedVocabulary(String model) {
        put("tokenizer.ggml.model", model);
    }

    /** A byte-level vocabulary: ids 0 to 255 are the bytes. */
    static SketchedVocabulary ofBytes(String pre) {
        SketchedVocabulary vocabulary = new SketchedVocabulary("gpt2").put("tokenizer.ggml.pre", pre);
        for (int b = 0; b < 256; b++) {
            vocabulary.token(written(new byte[] {(byte) b}));
        }
        return vocabulary;
    }

    /** The text in the byte alphabet. */
    static String written(String text) {
        return written(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String written(byte[] bytes) {
        byte[] utf8 = new byte[2 * bytes.length + 2];
        int size = 0;
        for (byte b : bytes) {
            size = ByteAlphabet.encode(b, utf8, size);
        }
        return new String(utf8, 0, size, StandardCharsets.UTF_8);
    }

    SketchedVocabulary put(String key, Object value) {
        keys.put(key, value);
        return this;
    }

    SketchedVocabulary token(String text) {
        return token(text, TokenType.NORMAL, 0);
    }

    SketchedVocabulary token(String text, float score) {
        return token(text, TokenType.NORMAL, score);
    }

    SketchedVocabulary token(String text, TokenType type) {
        return token(text, type, 0);
    }

    SketchedVocabulary token(String text, TokenType type, float score) {
        tokens.add(text.getBytes(StandardCharsets.UTF_8));
        types.add(type);
        scores.add(score);
        return this;
    }

    /** Adds the 256 byte tokens {@code <0x00>} to {@code <0xFF>}. */
    SketchedVocabulary byteTokens() {
        for (int b = 0; b < 256; b++) {
            token(String.format("<0x%02X>", b), TokenType.BYTE);
        }
        return this;
    }

    /** Adds a merge, and the token that it gives. */
    SketchedVocabulary merge(String left, String right) {
        return token(left + right).mergeOnly(left + " " + right);
    }

    SketchedVocabulary mergeOnly(String merge) {
        merges.add(merge.getBytes(StandardCharsets.UTF_8));
        return this;
    }

    int size() {
        return tokens.size();
    }

    boolean contains(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return tokens.stream().anyMatch(token -> Arrays.equals(token, bytes));
    }

    Metadata metadata() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("tokenizer.ggml.tokens", new Strings(tokens));
        all.put(
                "tokenizer.ggml.token_type",
                types.stream().mapToLong(TokenType::ordinal).toArray());
        float[] values = new float[scores.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = scores.get(i);
        }
        all.put("tokenizer.ggml.scores", values);
        all.put("tokenizer.ggml.merges", new Strings(merges));
        all.putAll(keys);
        all.values().removeIf(value -> value.equals(""));
        return new Metadata("sketch.gguf", all);
    }

    Tokenizer tokenizer() {
        return Tokenizers.from(metadata());
    }

    record Strings(List<byte[]> values) implements StringArray {
        static Strings of(String... values) {
            List<byte[]> bytes = new ArrayList<>();
            for (String value : values) {
                bytes.add(value.getBytes(StandardCharsets.UTF_8));
            }
            return new Strings(bytes);
        }

        @Override
        public int size() {
            return values.size();
        }

        @Override
        public byte[] bytes(int index) {
            return values.get(index).clone();
        }

        @Override
        public String get(int index) {
            return new String(values.get(index), StandardCharsets.UTF_8);
        }
    }
}
