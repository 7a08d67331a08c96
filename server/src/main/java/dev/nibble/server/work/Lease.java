package dev.nibble.server.work;

import dev.nibble.EmbeddingModel;
import dev.nibble.LanguageModel;
import dev.nibble.OutOfMemoryException;
import dev.nibble.RerankModel;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.chat.ChatMessage;
import dev.nibble.server.ModelEntry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** The use of a loaded model by one request. */
public final class Lease implements AutoCloseable {
    /** The context where nobody says otherwise: the KV cache of all a model was trained for may be huge. */
    private static final int USUAL_CONTEXT = 8192;

    private static final int LEAST_CONTEXT = 64;

    private final Models models;
    private final Models.Part part;
    private final ModelEntry entry;
    private @Nullable Duration keep;
    private boolean closed;

    Lease(Models models, Models.Part part, ModelEntry entry) {
        this.models = models;
        this.part = part;
        this.entry = entry;
    }

    /** What is served. */
    public ModelEntry entry() {
        return entry;
    }

    /** The model, leased to generate. */
    public LanguageModel model() {
        return (LanguageModel) part.model();
    }

    /** The model, leased for embeddings. */
    public EmbeddingModel embedding() {
        return (EmbeddingModel) part.model();
    }

    /** The model, leased to rate documents. */
    public RerankModel reranker() {
        return (RerankModel) part.model();
    }

    /** How long the last load took. */
    public Duration loadTime() {
        return part.loadTime();
    }

    /** How long it stays loaded after this use, negative for ever; null for what the server was told. */
    public Lease keeping(@Nullable Duration value) {
        keep = value;
        return this;
    }

    /** The messages, with the system message of the model before them where they have none. */
    public List<ChatMessage> withSystem(List<ChatMessage> messages) {
        boolean told = messages.stream().anyMatch(message -> message.role().equals("system"));
        if (told || entry().system().isEmpty()) {
            return messages;
        }
        List<ChatMessage> all = new ArrayList<>();
        all.add(ChatMessage.system(entry().system().get()));
        all.addAll(messages);
        return all;
    }

    /** The context of a conversation, if memory has room for it. */
    public int contextLength(OptionalInt asked) {
        LanguageModel model = model();
        int own = model.config().contextLength();
        int usual = entry().load().contextLength().orElse(Math.min(own, USUAL_CONTEXT));
        return Math.max(
                1,
                asked.isPresent() && asked.getAsInt() > 0 ? Math.min(asked.getAsInt(), Math.max(own, usual)) : usual);
    }

    /** A session of the context that was asked for, else of the usual one or what memory has room for. */
    public Session newSession(OptionalInt asked) {
        int context = contextLength(asked);
        boolean exact = asked.isPresent() || entry().load().contextLength().isPresent();
        while (true) {
            try {
                return model().newSession(SessionOptions.DEFAULT.withContextLength(context));
            } catch (OutOfMemoryException e) {
                int fits = e.fittingContext().orElse(0) / 16 * 15;
                if (exact || fits < LEAST_CONTEXT || fits >= context) {
                    throw e;
                }
                context = fits;
            }
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            models.release(part, keep);
        }
    }
}
