package dev.nibble;

import dev.nibble.embedding.PairEncoder;
import dev.nibble.embedding.PairRater;
import dev.nibble.embedding.TextEmbedder;
import dev.nibble.generate.Cancellation;
import dev.nibble.model.Metadata;
import dev.nibble.model.Model;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.model.RankHead;
import dev.nibble.model.arch.RankHeads;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;

/**
 * A loaded reranker: it reads a query and a document together and says how well the document answers the query. Slower
 * than to compare embeddings, and better; so it puts the best hits of a search in order. Thread-safe.
 *
 * <pre>{@code
 * try (RerankModel model = RerankModel.load(Path.of("bge-reranker-v2-m3.gguf"))) {
 *     float[] scores = model.scores("how do bees find home?", List.of("Bees navigate by the sun.", "Bears eat honey."));
 * }
 * }</pre>
 *
 * <p>How a pair is written is what the file says: with its special tokens, or by its template for that; control tokens in
 * the texts are text. What a score means is a matter of the model: of some a probability, of most a number that is the
 * greater the better, and to be compared with those of the same query only.
 */
public final class RerankModel implements AutoCloseable {
    private final Loaded loaded;
    private final RankHead head;
    private final PairEncoder encoder;
    private final PairRater rater;
    private final int contextLength;

    RerankModel(Loaded loaded, LoadOptions options) {
        this.loaded = loaded;
        head = RankHeads.read(loaded.source());
        encoder = new PairEncoder(loaded.source().metadata(), loaded.tokenizer());
        rater = new PairRater(
                new TextEmbedder(
                        loaded.pass(),
                        loaded.model(),
                        false,
                        options.engine().orElseGet(Engine::shared).memory()),
                head);
        contextLength = options.contextLength().orElse(loaded.model().config().contextLength());
        loaded.watch(this);
    }

    /** As {@link #load(Path, LoadOptions)} with the default options. */
    public static RerankModel load(Path file) throws IOException {
        return load(file, LoadOptions.DEFAULT);
    }

    /**
     * Maps the file and prepares the model to run.
     *
     * @throws IOException if the file cannot be read
     * @throws java.io.InterruptedIOException if the thread is interrupted, before or during the call; it stays so
     * @throws ModelFormatException if the file is not a model or damaged
     * @throws UnsupportedModelException if it needs something this version lacks, or is no reranker
     * @throws OutOfMemoryException if it cannot fit in memory
     * @throws IllegalArgumentException if no backend has the name in the options, the context in the options is longer
     *     than the model's, or they ask for more threads than their engine has
     * @throws IllegalStateException if the backend in the options cannot run here, the library is installed without any,
     *     or the engine is closed
     */
    public static RerankModel load(Path file, LoadOptions options) throws IOException {
        Objects.requireNonNull(options, "options");
        return ModelLoader.load(
                file,
                options,
                (source, model) -> rating(source, model, options),
                loaded -> new RerankModel(loaded, options));
    }

    /** The model as one that rates, if it can be used so; said before it is compiled, which may take long. */
    private static Model rating(ModelSource source, Model model, LoadOptions options) {
        EmbeddingModel.requireContext(source, model, options);
        return model.withEmbeddingLayers(List.of())
                .withPooling(RankHeads.read(source).pooling());
    }

    /** As {@link #scores} for one document. */
    public float score(String query, String document) {
        return scores(query, List.of(document))[0];
    }

    /**
     * The scores of documents for a query, in the order of the documents: the first of the model's {@link #outputs}. Short
     * pairs are evaluated together.
     *
     * @throws ContextOverflowException if a document and the query are longer than {@link #contextLength()}; nothing was
     *     evaluated
     * @throws IllegalArgumentException if query and document have no tokens: both are empty, and the model adds none
     * @throws OutOfMemoryException if there is no memory for the longest of the pairs
     * @throws CancellationException if the thread is interrupted, before or during the call; it stays so
     * @throws IllegalStateException if the model is closed, before or during the call
     */
    public float[] scores(String query, List<String> documents) {
        List<float[]> outputs = outputs(query, documents);
        float[] scores = new float[outputs.size()];
        for (int i = 0; i < scores.length; i++) {
            scores[i] = outputs.get(i)[0];
        }
        return scores;
    }

    /**
     * All outputs of the model for each document; most models have one. What each stands for is in {@link #labels()}.
     *
     * @return for each document {@link #outputCount()} values
     * @throws ContextOverflowException as {@link #scores}, like the other exceptions
     */
    public List<float[]> outputs(String query, List<String> documents) {
        Objects.requireNonNull(query, "query");
        Arguments.requireNonNull(documents, "documents");
        loaded.enter();
        try {
            Cancellation cancellation = new Cancellation(loaded::isClosed);
            return rater.rate(encode(query, documents, cancellation), cancellation);
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

    private List<int[]> encode(String query, List<String> documents, Cancellation cancellation) {
        List<int[]> encoded = new ArrayList<>(documents.size());
        for (int i = 0; i < documents.size(); i++) {
            if (cancellation.getAsBoolean()) {
                throw new CancellationException("the thread was interrupted");
            }
            int[] tokens = encoder.encode(query, documents.get(i));
            String name = "the query with "
                    + (documents.size() == 1 ? "the document" : "document " + (i + 1) + " of " + documents.size());
            if (tokens.length == 0) {
                throw new IllegalArgumentException(
                        name + " is empty, and the model adds no tokens: there is nothing to rate");
            }
            if (tokens.length > contextLength) {
                throw new ContextOverflowException(name, tokens.length, contextLength);
            }
            encoded.add(tokens);
        }
        return encoded;
    }

    /** Outputs of the model for a document. */
    public int outputCount() {
        return head.outputs();
    }

    /** What the outputs stand for, as the file says; empty if it does not. */
    public List<String> labels() {
        return head.labels();
    }

    /** Tokens of a query and a document together at most, special tokens included. */
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
