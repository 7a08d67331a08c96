package dev.nibble.server.work;

import dev.nibble.ChatOptions;
import dev.nibble.EmbeddingModel;
import dev.nibble.LanguageModel;
import dev.nibble.OutOfMemoryException;
import dev.nibble.Priority;
import dev.nibble.RerankModel;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.server.ModelEntry;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** The use of a loaded model by one request. */
public final class Lease implements AutoCloseable {
    /** The context where nobody says otherwise: the KV cache of all a model was trained for may be huge. */
    private static final int USUAL_CONTEXT = 8192;

    private static final int LEAST_CONTEXT = 64;

    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("dd MMM yyyy", Locale.ROOT);
    private static final DateTimeFormatter MONTH_FIRST = DateTimeFormatter.ofPattern("MMM dd yyyy", Locale.ROOT);

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

    /**
     * How a conversation becomes a prompt: in the template of the entry, with what servers tell templates that ask for it, unless the
     * request says otherwise: the date, and that the model may think.
     */
    public ChatOptions chatOptions(Prompt.Chat chat) {
        ChatOptions options = chat.options();
        if (options.template().isEmpty() && entry().template().isPresent()) {
            options = options.withTemplate(entry().template().get());
        }
        if (options.thinking().isEmpty() && entry().thinking().isPresent()) {
            options = options.withThinking(entry().thinking().get());
        }
        String source = options.template()
                .or(() -> model().chatTemplate())
                .map(ChatTemplate::source)
                .orElse("");
        Map<String, Object> variables = new LinkedHashMap<>();
        LocalDate today = LocalDate.now(ZoneId.systemDefault());
        tell(source, "date_string", DATE.format(today), variables);
        tell(source, "datetime", MONTH_FIRST.format(today), variables);
        if (options.thinking().isEmpty()) {
            tell(source, "enable_thinking", true, variables);
        }
        variables.putAll(options.templateVariables());
        return variables.isEmpty() ? options : options.withTemplateVariables(variables);
    }

    private static void tell(String source, String name, Object value, Map<String, Object> variables) {
        if (source.contains(name)) {
            variables.put(name, value);
        }
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
    public Session newSession(OptionalInt asked, Priority priority) {
        int context = contextLength(asked);
        boolean exact = asked.isPresent() || entry().load().contextLength().isPresent();
        while (true) {
            try {
                return model().newSession(SessionOptions.DEFAULT
                        .withContextLength(context)
                        .withPriority(priority));
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
