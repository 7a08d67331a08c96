package dev.nibble;

import dev.nibble.embedding.PoolingReader;
import dev.nibble.embedding.TextEmbedder;
import dev.nibble.generate.Cancellation;
import dev.nibble.model.Metadata;
import dev.nibble.model.Model;
import dev.nibble.model.Model.Pooling;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.function.Function;

/**
 * A loaded embedding model: it turns texts into vectors that are near each other where the meanings are. Thread-safe.
 *
 * <pre>{@code
 * try (EmbeddingModel model = EmbeddingModel.load(Path.of("nomic-embed-text.gguf"))) {
 *     float[] query = model.embed("search_query: how do bees find home?");
 * }
 * }</pre>
 *
 * <p>Special tokens are added as the file asks, and recognised in the text. A prefix that a model was trained with, like
 * the one above, is part of the text. Keys and values are kept in F32, whatever the options say: they live as long as
 * the call.
 */
public final class EmbeddingModel implements AutoCloseable {
    private final Loaded loaded;
    private final TextEmbedder embedder;
    private final int contextLength;

    EmbeddingModel(Loaded loaded, LoadOptions loadOptions, EmbeddingOptions options) {
        this.loaded = loaded;
        embedder = new TextEmbedder(
                loaded.pass(),
                loaded.model(),
                options.normalize(),
                loadOptions.engine().orElseGet(Engine::shared).memory());
        int trained = loaded.model().config().contextLength();
        contextLength = loadOptions.contextLength().orElse(trained);
        loaded.watch(this);
    }

    /** As {@link #load(Path, LoadOptions, EmbeddingOptions)} with the default options. */
    public static EmbeddingModel load(Path file) throws IOException {
        return load(file, LoadOptions.DEFAULT);
    }

    /** As {@link #load(Path, LoadOptions, EmbeddingOptions)} with the pooling of the file, normalized. */
    public static EmbeddingModel load(Path file, LoadOptions options) throws IOException {
        return load(file, options, EmbeddingOptions.DEFAULT);
    }

    /**
     * Maps the file and prepares the model to run. Any model will do: one that generates text gives embeddings as soon
     * as the file or the options say how to pool.
     *
     * @throws IOException if the file cannot be read
     * @throws java.io.InterruptedIOException if the thread is interrupted, before or during the call; it stays so
     * @throws ModelFormatException if the file is not a model or damaged
     * @throws UnsupportedModelException if it needs something this version lacks, or neither file nor options say how to
     *     pool
     * @throws OutOfMemoryException if it cannot fit in memory
     * @throws IllegalArgumentException if no backend has the name in the options, the context in the options is longer
     *     than the model's, or they ask for more threads than their engine has
     * @throws IllegalStateException if the backend in the options cannot run here, the library is installed without any,
     *     or the engine is closed
     */
    public static EmbeddingModel load(Path file, LoadOptions options, EmbeddingOptions embeddingOptions)
            throws IOException {
        Objects.requireNonNull(options, "options");
        Objects.requireNonNull(embeddingOptions, "embeddingOptions");
        return ModelLoader.load(
                file,
                options,
                (source, model) -> embedding(source, model, options, embeddingOptions),
                loaded -> new EmbeddingModel(loaded, options, embeddingOptions));
    }

    /** The model as one that embeds, if it can be used so; said before it is compiled, which may take long. */
    private static Model embedding(
            ModelSource source, Model model, LoadOptions options, EmbeddingOptions embeddingOptions) {
        requireContext(source, model, options);
        return PoolingReader.embedding(source.metadata(), model, embeddingOptions.pooling());
    }

    /** Refuses a context in the options that is longer than the model's. */
    static void requireContext(ModelSource source, Model model, LoadOptions options) {
        int trained = model.config().contextLength();
        int asked = options.contextLength().orElse(trained);
        if (asked > trained) {
            throw new IllegalArgumentException("contextLength must be at most " + trained + ", which " + source.name()
                    + " was made for, not " + asked);
        }
    }

    /** As {@link #embed(List)} for one text. */
    public float[] embed(String text) {
        Objects.requireNonNull(text, "text");
        return embed(List.of(text)).getFirst();
    }

    /**
     * The embeddings of texts, in their order; short ones are evaluated together.
     *
     * @return for each text {@link #dimensions()} values
     * @throws ContextOverflowException if one is longer than {@link #contextLength()}; nothing was evaluated
     * @throws IllegalArgumentException if one has no tokens: it is empty, and the model adds none of its own
     * @throws OutOfMemoryException if there is no memory for the longest of them
     * @throws CancellationException if the thread is interrupted, before or during the call; it stays so
     * @throws IllegalStateException if the model is closed, before or during the call, or its pooling is {@link Pooling#NONE}
     */
    public List<float[]> embed(List<String> texts) {
        Arguments.requireNonNull(texts, "texts");
        if (pooling() == Pooling.NONE) {
            throw new IllegalStateException("the pooling is NONE, which makes an embedding of each token, not of the"
                    + " text: call embedTokens, or load the model with EmbeddingOptions.withPooling");
        }
        return embed(texts, pooling());
    }

    /**
     * The embeddings of the tokens of a text, special tokens included, without pooling.
     *
     * @return [tokens][{@link #dimensions()}]
     * @throws ContextOverflowException as {@link #embed(List)}, like the other exceptions
     */
    public float[][] embedTokens(String text) {
        Objects.requireNonNull(text, "text");
        float[] all = embed(List.of(text), Pooling.NONE).getFirst();
        int size = dimensions();
        float[][] rows = new float[all.length / size][size];
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(all, row * size, rows[row], 0, size);
        }
        return rows;
    }

    /**
     * The embeddings of texts that are tokens already, with all special tokens that they are to have.
     *
     * @param tokens of each text
     * @return for each text {@link #dimensions()} values
     * @throws IllegalArgumentException if a text has no tokens, or one that is not in the vocabulary
     * @throws ContextOverflowException as {@link #embed(List)}, like the other exceptions
     */
    public List<float[]> embedIds(List<int[]> tokens) {
        Arguments.requireNonNull(tokens, "tokens");
        if (pooling() == Pooling.NONE) {
            throw new IllegalStateException(
                    "the pooling is NONE, which makes an embedding of each token, not of the text");
        }
        List<int[]> copies = new ArrayList<>(tokens.size());
        for (int i = 0; i < tokens.size(); i++) {
            int[] text = tokens.get(i).clone();
            requireTokens(text, tokens.size() == 1 ? "the text" : "text " + (i + 1) + " of " + tokens.size());
            copies.add(text);
        }
        return embed(cancellation -> copies, pooling());
    }

    private void requireTokens(int[] tokens, String name) {
        int size = tokenizer().vocabulary().size();
        for (int token : tokens) {
            if (token < 0 || token >= size) {
                throw new IllegalArgumentException(
                        name + " has token " + token + ", which is not among the " + size + " of the vocabulary");
            }
        }
        requireLength(tokens, name);
    }

    private void requireLength(int[] tokens, String name) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException(
                    name + " is empty, and the model adds no tokens: there is nothing to embed");
        }
        if (tokens.length > contextLength) {
            throw new ContextOverflowException(name, tokens.length, contextLength);
        }
    }

    private List<float[]> embed(List<String> texts, Pooling pooling) {
        return embed(cancellation -> encode(texts, cancellation), pooling);
    }

    private List<float[]> embed(Function<Cancellation, List<int[]>> tokens, Pooling pooling) {
        loaded.enter();
        try {
            Cancellation cancellation = new Cancellation(loaded::isClosed);
            return embedder.embed(tokens.apply(cancellation), pooling, cancellation);
        } catch (CancellationException e) {
            if (loaded.isClosed()) {
                throw new IllegalStateException("the model is closed", e);
            }
            throw e;
        } finally {
            loaded.exit();
            Reference.reachabilityFence(this);
        }
    }

    private List<int[]> encode(List<String> texts, Cancellation cancellation) {
        List<int[]> encoded = new ArrayList<>(texts.size());
        for (int i = 0; i < texts.size(); i++) {
            if (cancellation.getAsBoolean()) {
                throw new CancellationException("the thread was interrupted");
            }
            int[] tokens = loaded.tokenizer().encode(texts.get(i), Tokenizer.Options.PROMPT);
            String name = texts.size() == 1 ? "the text" : "text " + (i + 1) + " of " + texts.size();
            requireLength(tokens, name);
            encoded.add(tokens);
        }
        return encoded;
    }

    /** Elements of an embedding. */
    public int dimensions() {
        return embedder.dimensions();
    }

    /** How the states of a text's tokens become one embedding. */
    public Pooling pooling() {
        return embedder.pooling();
    }

    /** Tokens of a text at most, special tokens included. */
    public int contextLength() {
        return contextLength;
    }

    /** Text to tokens and back. */
    public Tokenizer tokenizer() {
        return loaded.tokenizer();
    }

    /** The key-value pairs of the file. */
    public Metadata metadata() {
        return loaded.source().metadata();
    }

    /** The model's dimensions. */
    public ModelConfig config() {
        return loaded.model().config();
    }

    /** One line that says what runs the model: backend, vector width or device, threads. */
    public String backendDescription() {
        return loaded.backend().description();
    }

    /**
     * Frees everything. Running calls are ended and waited for; they fail with an {@link IllegalStateException}, as later
     * ones do. From inside a call it returns at once, and the last of those that run frees everything when it ends. Closing
     * again changes nothing. A model that becomes unreachable without having been closed is freed but for its file, which
     * stays mapped, and a warning is logged.
     */
    @Override
    public void close() {
        loaded.close();
    }
}
