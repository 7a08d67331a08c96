package dev.nibble;

import dev.nibble.model.Metadata;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A loaded model. Thread-safe: open a {@link Session} for each conversation and use them in parallel.
 *
 * <pre>{@code
 * try (LanguageModel model = LanguageModel.load(Path.of("smollm2.gguf")); Session session = model.newSession()) {
 *     for (GeneratedToken token : session.stream("The capital of France is")) {
 *         System.out.print(token.text());
 *     }
 * }
 * }</pre>
 */
public final class LanguageModel implements AutoCloseable {
    private LanguageModel() {}

    /** As {@link #load(Path, LoadOptions)} with the default options. */
    public static LanguageModel load(Path file) throws IOException {
        return load(file, LoadOptions.DEFAULT);
    }

    /**
     * Maps the file and prepares the model to run. Formats and backends are found through {@link
     * java.util.ServiceLoader}.
     *
     * @throws IOException if the file cannot be read
     * @throws ModelFormatException if the file is not a model or damaged
     * @throws UnsupportedModelException if it needs something this version lacks
     * @throws OutOfMemoryException if it cannot fit in memory
     * @throws IllegalArgumentException if no backend has the name in the options
     * @throws IllegalStateException if the backend in the options cannot run here, or the library is installed without
     *     any
     */
    public static LanguageModel load(Path file, LoadOptions options) throws IOException {
        return Unfinished.body();
    }

    /**
     * Opens a model file for inspection only: metadata and tensors. The caller closes it.
     *
     * @throws IOException if the file cannot be read
     * @throws ModelFormatException if the file is not a model or damaged
     */
    public static ModelSource open(Path file) throws IOException {
        return Unfinished.body();
    }

    /** As {@link #newSession(SessionOptions)} with what the model was loaded with. */
    public Session newSession() {
        return newSession(SessionOptions.DEFAULT);
    }

    /**
     * Opens an empty session and allocates its KV cache.
     *
     * @throws OutOfMemoryException if the KV cache does not fit; the message says which context would
     * @throws IllegalStateException if the model is closed
     */
    public Session newSession(SessionOptions options) {
        return Unfinished.body();
    }

    /** Text to tokens and back. */
    public Tokenizer tokenizer() {
        return Unfinished.body();
    }

    /** The key-value pairs of the file. */
    public Metadata metadata() {
        return Unfinished.body();
    }

    /** The model's dimensions. */
    public ModelConfig config() {
        return Unfinished.body();
    }

    /** One line that says what runs the model: backend, vector width or device, threads. */
    public String backendDescription() {
        return Unfinished.body();
    }

    /**
     * The memory this model needs with one session.
     *
     * @param contextLength tokens of the session, 0 for what the model was loaded with
     */
    public MemoryPlan memoryPlan(int contextLength) {
        return Unfinished.body();
    }

    /**
     * Ends its sessions, cancelling what runs, and frees everything. Later calls do nothing; other methods that need the
     * model fail with an {@link IllegalStateException}.
     */
    @Override
    public void close() {
        Unfinished.body();
    }
}
