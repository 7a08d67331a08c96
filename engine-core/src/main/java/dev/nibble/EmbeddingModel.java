package dev.nibble;

import dev.nibble.embedding.PoolingReader;
import dev.nibble.embedding.TextEmbedder;
import dev.nibble.model.Metadata;
import dev.nibble.model.Model.Pooling;
import dev.nibble.model.ModelConfig;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

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
    private final ModelLoader.Loaded loaded;
    private final TextEmbedder embedder;
    private final int contextLength;
    /** Read: a text is being embedded; write: the model is being closed. */
    private final ReadWriteLock use = new ReentrantReadWriteLock();

    private volatile boolean closed;

    EmbeddingModel(ModelLoader.Loaded loaded, LoadOptions loadOptions, EmbeddingOptions options) {
        this.loaded = loaded;
        embedder = new TextEmbedder(loaded.pass(), loaded.model(), options.normalize());
        int trained = loaded.model().config().contextLength();
        if (loadOptions.contextLength() > trained) {
            throw new IllegalArgumentException("contextLength must be at most " + trained + ", which "
                    + loaded.source().name() + " was made for, not " + loadOptions.contextLength());
        }
        contextLength = loadOptions.contextLength() > 0 ? loadOptions.contextLength() : trained;
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
     * @throws ModelFormatException if the file is not a model or damaged
     * @throws UnsupportedModelException if it needs something this version lacks, or neither file nor options say how to
     *     pool
     * @throws OutOfMemoryException if it cannot fit in memory
     * @throws IllegalArgumentException if no backend has the name in the options, or the context in the options is
     *     longer than the model's
     * @throws IllegalStateException if the backend in the options cannot run here, or the library is installed without
     *     any
     */
    public static EmbeddingModel load(Path file, LoadOptions options, EmbeddingOptions embeddingOptions)
            throws IOException {
        return ModelLoader.load(
                file,
                options,
                (source, model) -> PoolingReader.embedding(source.metadata(), model, embeddingOptions.pooling()),
                loaded -> new EmbeddingModel(loaded, options, embeddingOptions));
    }

    /** As {@link #embed(List)} for one text. */
    public float[] embed(String text) {
        return embed(List.of(text)).getFirst();
    }

    /**
     * The embeddings of texts, in their order; short ones are evaluated together.
     *
     * @return for each text {@link #dimensions()} values
     * @throws ContextOverflowException if one is longer than {@link #contextLength()}; nothing was evaluated
     * @throws IllegalArgumentException if one has no tokens: it is empty, and the model adds none of its own
     * @throws OutOfMemoryException if there is no memory for the longest of them
     * @throws IllegalStateException if the model is closed, or its pooling is {@link Pooling#NONE}
     */
    public List<float[]> embed(List<String> texts) {
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
        float[] all = embed(List.of(text), Pooling.NONE).getFirst();
        int size = dimensions();
        float[][] rows = new float[all.length / size][size];
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(all, row * size, rows[row], 0, size);
        }
        return rows;
    }

    private List<float[]> embed(List<String> texts, Pooling pooling) {
        Lock reading = use.readLock();
        reading.lock();
        try {
            checkOpen();
            return embedder.embed(encode(texts), pooling, () -> closed);
        } catch (CancellationException e) {
            throw new IllegalStateException("the model is closed", e);
        } finally {
            reading.unlock();
        }
    }

    private List<int[]> encode(List<String> texts) {
        List<int[]> encoded = new ArrayList<>(texts.size());
        for (int i = 0; i < texts.size(); i++) {
            int[] tokens = loaded.tokenizer().encode(texts.get(i), Tokenizer.Options.PROMPT);
            String name = texts.size() == 1 ? "the text" : "text " + (i + 1) + " of " + texts.size();
            if (tokens.length == 0) {
                throw new IllegalArgumentException(
                        name + " is empty, and the model adds no tokens: there is nothing to embed");
            }
            if (tokens.length > contextLength) {
                throw new ContextOverflowException(name, tokens.length, contextLength);
            }
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
     * Frees everything, ending calls that run: they fail with an {@link IllegalStateException}, as later ones do. Closing
     * again does nothing.
     */
    @Override
    public void close() {
        Lock writing;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            writing = use.writeLock();
        }
        writing.lock();
        try {
            loaded.pass().close();
            loaded.backend().close();
            loaded.source().close();
        } finally {
            writing.unlock();
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the model is closed");
        }
    }
}
