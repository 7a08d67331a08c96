package dev.nibble;

import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.chat.ChatTemplates;
import dev.nibble.generate.Evaluator;
import dev.nibble.generate.Generations;
import dev.nibble.generate.KvMemory;
import dev.nibble.generate.MemoryCheck;
import dev.nibble.generate.ModelFingerprint;
import dev.nibble.generate.PrefixCache;
import dev.nibble.generate.SamplingDefaults;
import dev.nibble.generate.SessionFile;
import dev.nibble.generate.TokenContext;
import dev.nibble.memory.MemoryBudget;
import dev.nibble.memory.SystemMemory;
import dev.nibble.model.Adapter;
import dev.nibble.model.Metadata;
import dev.nibble.model.Model;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.spi.ForwardPass;
import dev.nibble.tensor.DType;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.io.IOException;
import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model. Thread-safe: open a {@link Session} for each conversation and use them in parallel, in any kind of thread.
 *
 * <p>What sessions ask for at the same time is evaluated together, in one pass over the weights, without anything to be set
 * up: eight conversations take little longer than one, as far as memory and not arithmetic sets the pace. Each chooses its
 * tokens by itself. A session gets the tokens that it would get alone, to the last bit where the {@linkplain #kernels()
 * kernels} are machine code without AMX and within the rounding of the kernels elsewhere; one that is cancelled, fails or is closed does
 * not disturb the others. Tokens of conversations that run come first; a long prompt is read in parts between them.
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
    private final Loaded loaded;
    private final ModelSource source;
    private final ModelConfig config;
    private final Tokenizer tokenizer;
    private final ForwardPass pass;
    private final LoadOptions options;
    private final Generations generations;
    private final Predictor predictor;
    private final Evaluator evaluator;
    private final SystemMemory memory;
    private final MemoryCheck memoryCheck;
    /** What sessions share; null if they share nothing. */
    private final @Nullable PrefixCache prefixes;

    private final @Nullable KvMemory kvMemory;
    /** The vocabulary that was found to be the same as its own last. */
    private volatile WeakReference<@Nullable Vocabulary> guessedFor = new WeakReference<>(null);

    /** Takes over what is open. */
    LanguageModel(Loaded loaded, LoadOptions options, GenerationOptions defaults, SystemMemory memory) {
        this.loaded = loaded;
        source = loaded.source();
        config = loaded.model().config();
        tokenizer = loaded.tokenizer();
        pass = loaded.pass();
        this.options = options;
        this.memory = memory;
        long weights = source.tensors().stream()
                .mapToLong(tensor -> tensor.shape().elements())
                .sum();
        generations = new Generations(tokenizer, source.metadata(), loaded.model(), weights, defaults);
        predictor = new Predictor(loaded, options);
        evaluator = new Evaluator(pass);
        MemoryBudget budget = options.engine().orElseGet(Engine::shared).memory();
        if (pass.canShare()) {
            PrefixCache cache =
                    loaded.add(new PrefixCache(pass, budget)); // closed after the sessions, which leave something there
            long planned = pass.sequenceBytes(contextLength(OptionalInt.empty()), options.kvCacheTypes());
            kvMemory =
                    new KvMemory(pass, memory, budget, options.kvCacheBudget(), planned, options.kvBudgetWait(), cache);
            pass.limit(kvMemory);
            prefixes = cache;
        } else {
            kvMemory = null;
            prefixes = null;
        }
        memoryCheck = new MemoryCheck(pass, memory, budget, kvMemory);
        loaded.watch(this);
    }

    /** As {@link #load(Path, LoadOptions)} with the default options. */
    public static LanguageModel load(Path file) throws IOException {
        return load(file, LoadOptions.DEFAULT);
    }

    /**
     * Maps the file and prepares the model to run. Formats and backends are found through {@link
     * java.util.ServiceLoader}.
     *
     * @throws IOException if the file cannot be read
     * @throws java.io.InterruptedIOException if the thread is interrupted, before or during the call; it stays so
     * @throws ModelFormatException if the file is not a model or damaged
     * @throws UnsupportedModelException if it needs something this version lacks, or is an {@link EmbeddingModel}
     * @throws OutOfMemoryException if it cannot fit in memory
     * @throws IllegalArgumentException if no backend has the name in the options, or they ask for more threads than their
     *     engine has
     * @throws IllegalStateException if the backend in the options cannot run here, the library is installed without any,
     *     or the engine is closed
     */
    public static LanguageModel load(Path file, LoadOptions options) throws IOException {
        return ModelLoader.load(
                file,
                options,
                ModelLoader::generating,
                loaded -> new LanguageModel(
                        loaded, options, SamplingDefaults.read(loaded.source().metadata()), new SystemMemory()));
    }

    /**
     * Opens a model file for inspection only: metadata and tensors. The caller closes it.
     *
     * @throws IOException if the file cannot be read
     * @throws java.io.InterruptedIOException if the thread is interrupted; it stays so
     * @throws ModelFormatException if the file is not a model or damaged
     */
    public static ModelSource open(Path file) throws IOException {
        return ModelLoader.open(file);
    }

    /** As {@link #newSession(SessionOptions)} with what the model was loaded with. */
    public Session newSession() {
        return newSession(SessionOptions.DEFAULT);
    }

    /**
     * Opens an empty session. Its KV cache is allocated as the tokens come.
     *
     * @throws OutOfMemoryException if the context was asked for, here or at the load, and its whole KV cache is more than
     *     can be allocated now; the message says which context would fit. What other sessions have still to allocate is
     *     not counted: a later call fails likewise where memory ends
     * @throws IllegalArgumentException if the options name an adapter that was not loaded
     * @throws UnsupportedModelException if the context is larger than the model can have at all
     * @throws IllegalStateException if the model is closed
     */
    public Session newSession(SessionOptions sessionOptions) {
        Objects.requireNonNull(sessionOptions, "sessionOptions");
        loaded.enter();
        try {
            return session(loaded.add(open(sessionOptions, sessionOptions.contextLength())));
        } finally {
            loaded.exit();
            Reference.reachabilityFence(this);
        }
    }

    /**
     * A session that guesses what one of another model generates.
     *
     * @param target of that model
     * @param context of that session
     */
    DraftSession draftFor(Vocabulary target, TokenContext context) {
        if (!loaded.tryEnter()) {
            throw new DraftModelException("the draft model is closed; load it again, or generate without it");
        }
        try {
            if (pass.hasEncoder() || context.hasEncoder() || !pass.isCausal()) {
                throw new DraftModelException(
                        "a draft model goes on with the text of another: neither may have an encoder,"
                                + " whose text the other does not read, or be a diffusion model; generate without it");
            }
            if (guessedFor.get() != target) {
                DraftSession.requireSame(target, tokenizer.vocabulary());
                guessedFor = new WeakReference<>(target);
            }
            int ids = Math.min(target.size(), tokenizer.vocabulary().size());
            SessionOptions draftOptions = SessionOptions.DEFAULT.withPrivate(!context.isShared());
            int length = Math.min(context.capacity(), contextLength(OptionalInt.empty()));
            TokenContext own = loaded.add(open(draftOptions, OptionalInt.of(length)));
            return new DraftSession(this, new SessionLock(this, loaded, own), own, ids);
        } finally {
            loaded.exit();
            Reference.reachabilityFence(this);
        }
    }

    /** The scale of each adapter in a session. */
    private float[] adapterScales(SessionOptions sessionOptions) {
        Map<String, Float> chosen = sessionOptions.adapters().orElse(null);
        if (chosen == null) {
            return loaded.model().adapterScales();
        }
        List<String> names = adapters();
        float[] scales = new float[names.size()];
        chosen.forEach((name, scale) -> {
            int index = names.indexOf(name);
            if (index < 0) {
                throw new IllegalArgumentException("there is no adapter '" + name + "'; "
                        + (names.isEmpty() ? "none was loaded" : "there are " + String.join(", ", names)));
            }
            scales[index] = scale;
        });
        return scales;
    }

    /** The names of the adapters that were loaded beside the model, in the order of the options. */
    public List<String> adapters() {
        return loaded.model().adapters().stream().map(Adapter::name).toList();
    }

    /** As {@link #restore(Path, SessionOptions)} with the context of the session that was saved, and what the model was loaded with. */
    public Session restore(Path file) throws IOException {
        return restore(file, SessionOptions.DEFAULT);
    }

    /**
     * Opens a session that goes on where one was that {@link Session#save} wrote to a file.
     *
     * @param sessionOptions its context, if another is wanted than the saved one's, and type of KV cache, which must be that of the file
     * @throws IOException if the file cannot be read
     * @throws SessionFileException if the file is not a whole one of a session of this model, of this version of the library and with
     *     this type of KV cache
     * @throws ContextOverflowException if the session does not fit the context that is asked for
     * @throws OutOfMemoryException as {@link #newSession(SessionOptions)}
     * @throws UnsupportedOperationException if the backend's sessions cannot be restored
     * @throws IllegalStateException if the model is closed
     */
    public Session restore(Path file, SessionOptions sessionOptions) throws IOException {
        Objects.requireNonNull(file, "file");
        Objects.requireNonNull(sessionOptions, "sessionOptions");
        loaded.enter();
        try {
            return session(loaded.add(file(file, adapterScales(sessionOptions)).restore(header -> {
                KvCacheTypes types = sessionOptions.kvCacheTypes().orElse(options.kvCacheTypes());
                if (!types.equals(header.types())) {
                    throw new SessionFileException(file + " is a session with a KV cache of type " + header.types()
                            + ", not " + types + "; restore it with SessionOptions.withKvCacheType");
                }
                int length = sessionOptions.contextLength().orElse(header.contextLength());
                return open(sessionOptions, OptionalInt.of(length));
            })));
        } finally {
            loaded.exit();
            Reference.reachabilityFence(this);
        }
    }

    private TokenContext open(SessionOptions sessionOptions, OptionalInt asked) {
        int contextLength = contextLength(asked);
        KvCacheTypes types = sessionOptions.kvCacheTypes().orElse(options.kvCacheTypes());
        memoryCheck.session(
                contextLength,
                types,
                asked.isPresent() || options.contextLength().isPresent());
        // answers to one source have little in common but it, and it is kept by forks
        boolean shares = options.prefixCache() && !sessionOptions.isPrivate() && !pass.hasEncoder();
        TokenContext context = TokenContext.open(
                evaluator,
                memoryCheck,
                shares ? prefixes : null,
                contextLength,
                types,
                adapterScales(sessionOptions),
                config.vocabSize());
        context.prioritize(sessionOptions.priority());
        return context;
    }

    private Session session(TokenContext context) {
        return new Session(
                new SessionLock(this, loaded, context),
                context,
                generations,
                predictor,
                path -> file(path, context.adapters()));
    }

    /**
     * @param adapters the scale of each, which counts as the weights do
     */
    private SessionFile file(Path file, float[] adapters) {
        return new SessionFile(
                file, ModelFingerprint.of(source, loaded.model().adapters(), adapters), config.vocabSize());
    }

    /** Text to tokens and back. */
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /** The key-value pairs of the file. */
    public Metadata metadata() {
        return source.metadata();
    }

    /** The model's dimensions. */
    public ModelConfig config() {
        return config;
    }

    /**
     * The chat template of the file that is used unless {@link ChatOptions#withTemplateName} or tools ask for
     * another; empty if there is none.
     *
     * @throws UnsupportedChatTemplateException if it needs something this version lacks
     * @throws ChatTemplateException if it is not well-formed
     */
    public Optional<ChatTemplate> chatTemplate() {
        return chatTemplates().names().contains(ChatTemplates.DEFAULT)
                ? Optional.of(chatTemplates().get(ChatTemplates.DEFAULT))
                : Optional.empty();
    }

    /** All chat templates of the file. */
    public ChatTemplates chatTemplates() {
        return generations.templates();
    }

    /**
     * How {@link Session#chat} generates when it is given these options. Where they set no temperature, what they leave open is
     * as the file recommends; if it recommends none either, with less than a billion weights a temperature of 0.5, a top-p of
     * 0.9 and a frequency penalty of 0.2 on the last 256 tokens, as such models ramble or go round in circles otherwise; else as
     * {@link GenerationOptions#DEFAULT}.
     */
    public GenerationOptions forChat(GenerationOptions generationOptions) {
        return generations.ofChat(Objects.requireNonNull(generationOptions, "generationOptions"));
    }

    /**
     * The prompt that {@link Session#chat(List, ChatOptions)} makes of a conversation, for a look at it; {@link #chatTokens} are what
     * is evaluated.
     *
     * @throws UnsupportedModelException if the file has no chat template
     * @throws UnsupportedChatTemplateException if the template needs something this version lacks
     * @throws ChatTemplateException if the template refuses the conversation
     */
    public String chatPrompt(List<ChatMessage> messages, ChatOptions chatOptions) {
        return generations.chatText(
                Arguments.requireNonNull(messages, "messages"), Objects.requireNonNull(chatOptions, "chatOptions"));
    }

    /**
     * The tokens that {@link Session#chat(List, ChatOptions)} evaluates for a conversation, as to count them before.
     *
     * @throws UnsupportedModelException as {@link #chatPrompt}, like the other exceptions
     */
    public int[] chatTokens(List<ChatMessage> messages, ChatOptions chatOptions) {
        return generations.chatTokens(
                Arguments.requireNonNull(messages, "messages"), Objects.requireNonNull(chatOptions, "chatOptions"));
    }

    /**
     * The token that every answer begins with, of a model that reads a text with an encoder and answers it with a decoder, as T5;
     * empty for models without an encoder.
     *
     * @see Session#encode
     */
    public OptionalInt decoderStartToken() {
        Model.Encoder encoder = loaded.model().encoder();
        return encoder == null ? OptionalInt.empty() : OptionalInt.of(encoder.startToken());
    }

    /** Whether its sessions generate text; not those of a diffusion model, which give its scores only. */
    public boolean canGenerate() {
        return pass.isCausal();
    }

    /** Whether it knows the tokens that {@link Session#infill} takes. */
    public boolean canInfill() {
        return generations.canInfill();
    }

    /** One line that says what runs the model: backend, vector width or device, threads. */
    public String backendDescription() {
        return loaded.backend().description();
    }

    /**
     * How the weights of each tensor type are multiplied, in a few words for each; empty if the backend does not say. A
     * description with the word {@code scalar} is that of a type without a fast kernel.
     */
    public Map<DType, String> kernels() {
        return pass.kernels();
    }

    /** What its sessions do, and what they have done since it was loaded. */
    public ModelStats stats() {
        ModelStats stats = evaluator.stats();
        return kvMemory == null ? stats : kvMemory.addTo(stats);
    }

    /** The memory this model needs with one session of the context it was loaded with. */
    public MemoryPlan memoryPlan() {
        return memoryPlan(contextLength(OptionalInt.empty()));
    }

    /**
     * The memory a model would need with one session of the context in the options, or of the model's own, without loading
     * it.
     *
     * @throws IOException if the file cannot be read
     * @throws ModelFormatException if the file is not a model or damaged
     * @throws UnsupportedModelException if it needs something this version lacks
     * @throws UnsupportedOperationException if the backend in the options tells only of models that are loaded; the CPU's
     *     does not
     */
    public static MemoryPlan memoryPlan(Path file, LoadOptions options) throws IOException {
        return ModelLoader.plan(
                Objects.requireNonNull(file, "file"), Objects.requireNonNull(options, "options"), new SystemMemory());
    }

    /**
     * The memory this model needs with one session.
     *
     * @param contextLength tokens of the session, 1 or more
     */
    public MemoryPlan memoryPlan(int contextLength) {
        if (contextLength < 1) {
            throw new IllegalArgumentException("contextLength must be 1 or more, not " + contextLength);
        }
        loaded.enter();
        try {
            return ModelLoader.plan(source, loaded.model(), pass, contextLength, options.kvCacheTypes(), memory);
        } finally {
            loaded.exit();
            Reference.reachabilityFence(this);
        }
    }

    /**
     * Closes its sessions and frees everything. Running calls of other threads are cancelled and waited for; each
     * generation, begun or not, ends with {@link FinishReason#CANCELLED}.
     *
     * <p>From inside a call, as in a {@link dev.nibble.sampling.LogitsProcessor}, it returns at once; and from elsewhere it does
     * not wait for calls that are in such a callback or a {@link PromptProgress}, which may wait for the thread that closes. What
     * runs is cancelled, and the last of the running calls frees everything when it ends: only then is all memory given back.
     *
     * <p>Later calls change nothing; other methods that need the model fail with an {@link IllegalStateException}. A model
     * that becomes unreachable without having been closed is freed but for its file, which stays mapped, and a warning is
     * logged.
     */
    @Override
    public void close() {
        loaded.close();
    }

    private int contextLength(OptionalInt asked) {
        int most = config.maxContextLength();
        int length = asked.orElseGet(() -> options.contextLength()
                .orElseGet(() -> Math.min(Math.min(config.contextLength(), most), pass.maxContextLength())));
        if (length > most) {
            throw new UnsupportedModelException(
                    source.name() + ": a context of " + length + " tokens was asked for, but this model can hold "
                            + most
                            + " at most: it has learned positions for so many, or chooses among more of them in a way that"
                            + " this version does not have, or reads a text at once, and was loaded for so many");
        }
        return length;
    }
}
