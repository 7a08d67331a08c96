package dev.nibble.server.work;

import dev.nibble.LanguageModel;
import dev.nibble.chat.ChatTemplates;
import dev.nibble.model.Metadata;
import dev.nibble.model.ModelSource;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a model's file says of it, read without loading it.
 *
 * @param architecture as {@code llama}
 * @param parameters how many weights there are
 * @param quantization the type that holds most of the bytes
 * @param bytes of the file
 * @param modified when it was changed last
 * @param contextLength what it was trained for, 0 if it does not say
 * @param embeddingLength the width, 0 if it does not say
 * @param layers how many there are
 * @param vocabulary how many tokens there are, 0 if it does not say
 * @param template the chat template, empty if there is none
 * @param embeds whether it is made for embeddings: the file says how to pool
 * @param ranks whether it is made to rate documents
 * @param generates whether it can generate text
 * @param infills whether it knows tokens for filling in the middle
 */
public record ModelFacts(
        String architecture,
        long parameters,
        String quantization,
        long bytes,
        Instant modified,
        int contextLength,
        int embeddingLength,
        int layers,
        int vocabulary,
        String template,
        boolean embeds,
        boolean ranks,
        boolean generates,
        boolean infills,
        Metadata metadata) {

    /** The pooling of models that rate, as llama.cpp numbers it. */
    private static final int RANK = 4;

    /**
     * Reads them.
     *
     * @throws IOException if the file cannot be read
     */
    public static ModelFacts read(Path file) throws IOException {
        try (ModelSource source = LanguageModel.open(file)) {
            Metadata metadata = source.metadata();
            String architecture = metadata.optionalString("general.architecture");
            String name = architecture == null ? "unknown" : architecture;
            Map<String, Long> types = new TreeMap<>();
            long parameters = 0;
            for (Tensor tensor : source.tensors()) {
                parameters += tensor.shape().elements();
                types.merge(tensor.dtype().name(), tensor.data().byteSize(), Long::sum);
            }
            String type = types.entrySet().stream()
                    .max(Map.Entry.comparingByValue())
                    .map(Map.Entry::getKey)
                    .orElse("none");
            var tokens = metadata.optionalStrings("tokenizer.ggml.tokens");
            ChatTemplates templates = ChatTemplates.from(metadata);
            int pooling = metadata.optionalInt(name + ".pooling_type", 0);
            boolean ranks = pooling == RANK;
            boolean causal = metadata.optionalBoolean(name + ".attention.causal", true);
            boolean embeds = pooling > 0 && !ranks || !causal && !ranks;
            return new ModelFacts(
                    name,
                    parameters,
                    type,
                    Files.size(file),
                    Files.getLastModifiedTime(file).toInstant(),
                    metadata.optionalInt(name + ".context_length", 0),
                    metadata.optionalInt(name + ".embedding_length", 0),
                    metadata.optionalInt(name + ".block_count", 0),
                    tokens == null ? 0 : tokens.size(),
                    templates.names().contains(ChatTemplates.DEFAULT) ? templates.source(ChatTemplates.DEFAULT) : "",
                    embeds,
                    ranks,
                    causal && !embeds && !ranks,
                    metadata.contains("tokenizer.ggml.fim_pre_token_id")
                            || metadata.contains("tokenizer.ggml.prefix_token_id"),
                    metadata);
        }
    }

    /** How many weights there are in the way people write it, as {@code 135M}. */
    public String size() {
        if (parameters >= 1_000_000_000L) {
            return String.format(java.util.Locale.ROOT, "%.1fB", parameters / 1e9);
        }
        return parameters >= 1_000_000 ? Math.round(parameters / 1e6) + "M" : Math.round(parameters / 1e3) + "K";
    }

    /** Whether its template tells a model of tools. */
    public boolean knowsTools() {
        return template.contains("tools");
    }

    /** Whether its template knows thinking. */
    public boolean thinks() {
        return template.contains("<think>") || template.contains("enable_thinking");
    }
}
