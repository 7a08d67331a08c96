package dev.nibble.testdata;

import dev.nibble.gguf.GgufValueType;
import dev.nibble.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A byte-level BPE vocabulary of any size from 288: a token for each byte, 24 merges of common English letters, 8 control
 * tokens, and then as many made-up words of lower-case letters as it takes.
 */
public final class ByteVocabulary {
    static final int MIN_SIZE = 288;
    static final int BEGIN_OF_TEXT = 280;
    static final int END_OF_TURN = 282;
    static final int PADDING = 283;

    private static final int NORMAL = 1;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;

    private static final List<String> MERGES = List.of(
            "Ġ t", "Ġ a", "i n", "h e", "Ġ Ġ", "r e", "o n", "Ġt he", "e r", "Ġ s", "a t", "e n", "o r", "Ġ w", "Ġ o",
            "i s", "Ġ c", "i t", "e s", "a n", "Ġa n", "Ġan d", "in g", "o u");

    private static final List<String> SPECIALS = List.of(
            "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>", "<think>", "</think>", "<|fim|>", "<|x|>");

    /** That of SmolLM2: ChatML with a system message unless there is one. */
    private static final String CHAT_TEMPLATE = """
            {% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
            You are a helpful assistant.<|im_end|>
            ' }}{% endif %}{{'<|im_start|>' + message['role'] + '
            ' + message['content'] + '<|im_end|>' + '
            '}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
            ' }}{% endif %}""";

    private final List<String> tokens = new ArrayList<>();
    private final List<Integer> types = new ArrayList<>();
    private final List<String> merges = new ArrayList<>(MERGES);

    /**
     * Makes one.
     *
     * @param size number of tokens
     * @throws IllegalArgumentException if it is less than 288
     */
    public ByteVocabulary(int size) {
        if (size < MIN_SIZE) {
            throw new IllegalArgumentException("a vocabulary has at least " + MIN_SIZE + " tokens, not " + size);
        }
        for (int value = 0; value < 256; value++) {
            add(byteToken(value), NORMAL);
        }
        for (String merge : MERGES) {
            add(merge.replace(" ", ""), NORMAL);
        }
        for (String special : SPECIALS) {
            add(special, special.endsWith("think>") ? USER_DEFINED : CONTROL);
        }
        addWords(size);
    }

    /** The tokens as they are written, by id. */
    public List<String> tokens() {
        return List.copyOf(tokens);
    }

    /** The merges, the first of all first. */
    public List<String> merges() {
        return List.copyOf(merges);
    }

    /** Writes a file that holds the vocabulary and no tensors. */
    public void write(Path file) throws IOException {
        GgufWriter writer = new GgufWriter().putString("general.architecture", "llama");
        putInto(writer);
        writer.write(file);
    }

    /** Adds the {@code tokenizer} keys. */
    void putInto(GgufWriter writer) {
        writer.putString("tokenizer.ggml.model", "gpt2")
                .putString("tokenizer.ggml.pre", "smollm")
                .putArray("tokenizer.ggml.tokens", GgufValueType.STRING, tokens)
                .putArray("tokenizer.ggml.token_type", GgufValueType.INT32, types)
                .putArray("tokenizer.ggml.merges", GgufValueType.STRING, merges)
                .putUint32("tokenizer.ggml.bos_token_id", BEGIN_OF_TEXT)
                .putUint32("tokenizer.ggml.eos_token_id", END_OF_TURN)
                .putUint32("tokenizer.ggml.padding_token_id", PADDING)
                .putBoolean("tokenizer.ggml.add_bos_token", false)
                .putString("tokenizer.chat_template", CHAT_TEMPLATE);
    }

    private void add(String token, int type) {
        tokens.add(token);
        types.add(type);
    }

    /** Words of two letters, then of up to four, then of up to eight, each a merge of two shorter ones. */
    private void addWords(int size) {
        Set<String> known = new HashSet<>(tokens);
        List<String> parts = new ArrayList<>();
        for (char letter = 'a'; letter <= 'z'; letter++) {
            parts.add(String.valueOf(letter));
        }
        while (tokens.size() < size) {
            List<String> longer = new ArrayList<>(parts);
            for (int i = 0; i < parts.size() && tokens.size() < size; i++) {
                for (int j = 0; j < parts.size() && tokens.size() < size; j++) {
                    String word = parts.get(i) + parts.get(j);
                    if (known.add(word)) {
                        merges.add(parts.get(i) + " " + parts.get(j));
                        add(word, NORMAL);
                        longer.add(word);
                    }
                }
            }
            parts = longer;
        }
    }

    /** The character that GPT-2 writes for a byte: itself where it can be printed, one from U+0100 on elsewhere. */
    private static String byteToken(int value) {
        int shifted = 0;
        for (int i = 0; i < value; i++) {
            shifted += isPrintable(i) ? 0 : 1;
        }
        return String.valueOf((char) (isPrintable(value) ? value : 256 + shifted));
    }

    private static boolean isPrintable(int value) {
        return value >= '!' && value <= '~' || value >= 0xA1 && value <= 0xAC || value >= 0xAE;
    }
}
