package dev.nibble;

import dev.nibble.chat.ChatMessage;
import dev.nibble.constraint.TypeMapping;
import dev.nibble.generate.Cancellation;
import dev.nibble.generate.ChatPrompt;
import dev.nibble.generate.Drafter;
import dev.nibble.generate.Generations;
import dev.nibble.generate.Generator;
import dev.nibble.generate.PredictionDrafter;
import dev.nibble.generate.SessionFile;
import dev.nibble.generate.TextScores;
import dev.nibble.generate.TokenContext;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A sequence of tokens that a model continues, with its KV cache. Tokens are evaluated once: each call goes on where the
 * last one ended.
 *
 * <p>A session is used by one thread at a time, which is checked; {@link #cancel()} may be called by any. Several
 * sessions of one model may run in parallel.
 *
 * <p>The session holds the prompts and the generated tokens, without an end-of-generation token that ended a
 * generation. The token generated last is evaluated by the next call that needs it, not before.
 *
 * <p>Of a model with an encoder, as T5, each prompt is a text of its own: it takes the place of what the session holds, and is
 * answered by tokens that begin with {@link LanguageModel#decoderStartToken()}. These are the tokens of the session; the prompt is
 * its {@linkplain #source() source}, and each of both has a context to itself. An empty prompt goes on with the answer.
 *
 * <p>A diffusion model, as LLaDA, sees the whole text from each token. It does not generate here; {@link #evaluate} gives its scores.
 *
 * <p>An interrupt of the thread is a {@link #cancel()}: a generation ends with {@link FinishReason#CANCELLED}, an
 * evaluation with a {@link java.util.concurrent.CancellationException}. The thread stays interrupted, so that further
 * calls end likewise until its flag is cleared; then the session can be used as after a cancellation.
 */
public final class Session implements AutoCloseable {
    private final SessionLock lock;
    private final TokenContext context;
    private final Generations generations;
    private final Predictor predictor;
    private final Function<Path, SessionFile> files;

    private @Nullable Generator active;
    private @Nullable DraftSession draft;
    private @Nullable PredictionDrafter prediction;

    /**
     * @param lock of the session, owns the context
     * @param generations of the model
     * @param predictor of the model
     * @param files for sessions of the model
     */
    Session(
            SessionLock lock,
            TokenContext context,
            Generations generations,
            Predictor predictor,
            Function<Path, SessionFile> files) {
        this.lock = lock;
        this.context = context;
        this.generations = generations;
        this.predictor = predictor;
        this.files = files;
    }

    /** As {@link #stream(String, GenerationOptions)} with the default options. */
    public TokenStream stream(String prompt) {
        return stream(prompt, GenerationOptions.DEFAULT);
    }

    /**
     * Continues {@code prompt}, which follows what the session already holds. Control tokens in it are recognised; BOS is
     * added as the model wants it if the session is empty.
     *
     * <p>Starting a generation ends an earlier one that was not read to its end. Nothing is evaluated before the first
     * token is asked for.
     *
     * @throws ContextOverflowException if the prompt does not fit; the session is unchanged
     * @throws OutOfMemoryException if the KV cache cannot grow by the prompt; the session is unchanged
     * @throws UnsupportedModelException if the model is a diffusion model
     * @throws IllegalArgumentException if there is nothing to continue: an empty prompt in an empty session, or an
     *     option that does not suit the model
     * @throws DraftModelException if the {@linkplain Speculation#draft draft model} has another vocabulary, or is closed
     * @throws IllegalStateException if the session or the model is closed, or another thread is using the session
     */
    public TokenStream stream(String prompt, GenerationOptions options) {
        Objects.requireNonNull(prompt, "prompt");
        Objects.requireNonNull(options, "options");
        lock.enter();
        try {
            Cancellation cancellation = begin();
            int[] tokens = generations.encode(prompt, context.count() == 0);
            return start(context.count(), context.count(), tokens, options, false, cancellation);
        } finally {
            lock.exit();
        }
    }

    /** As {@link #stream(String, GenerationOptions)} for tokens, to which nothing is added. */
    public TokenStream stream(int[] tokens, GenerationOptions options) {
        Objects.requireNonNull(tokens, "tokens");
        Objects.requireNonNull(options, "options");
        lock.enter();
        try {
            return start(context.count(), context.count(), tokens, options, false, begin());
        } finally {
            lock.exit();
        }
    }

    /** As {@link #generate(String, GenerationOptions)} with the default options. */
    public Generation generate(String prompt) {
        return generate(prompt, GenerationOptions.DEFAULT);
    }

    /** As {@link #stream(String, GenerationOptions)}, read to the end. */
    public Generation generate(String prompt, GenerationOptions options) {
        return stream(prompt, options).result();
    }

    /**
     * Generates the answer to a conversation, rendered with the chat template in the model file.
     *
     * <p>{@code messages} is the whole conversation, every time. What the session holds is kept as far as it agrees with
     * it, token for token, so that only what is new is evaluated; the rest is forgotten.
     *
     * <p>Options of generation that are not set are those of {@link LanguageModel#forChat}.
     *
     * @throws UnsupportedModelException if the file has no chat template
     * @throws UnsupportedChatTemplateException if the template needs something this version lacks
     * @throws ChatTemplateException if the template refuses the conversation
     * @throws ContextOverflowException if the conversation does not fit; the session is unchanged
     * @throws OutOfMemoryException as {@link #stream(String, GenerationOptions)}
     * @throws IllegalStateException as {@link #stream(String, GenerationOptions)}
     */
    public TokenStream chat(List<ChatMessage> messages, ChatOptions options) {
        return chat(messages, options, false, (stream, prompt) -> stream);
    }

    private <T> T chat(
            List<ChatMessage> messages,
            ChatOptions options,
            boolean showsControls,
            BiFunction<TokenStream, ChatPrompt, T> result) {
        Arguments.requireNonNull(messages, "messages");
        Objects.requireNonNull(options, "options");
        lock.enter();
        try {
            Cancellation cancellation = begin();
            ChatPrompt prompt = generations.prompt(messages, options);
            int kept = context.commonPrefix(prompt.tokens());
            GenerationOptions generation = generations.ofChat(prompt.generation());
            return result.apply(start(0, kept, prompt.tokens(), generation, showsControls, cancellation), prompt);
        } finally {
            lock.exit();
        }
    }

    /** As {@link #chat(List, ChatOptions)} with the default template and these options of generation. */
    public TokenStream chat(List<ChatMessage> messages, GenerationOptions options) {
        return chat(messages, ChatOptions.DEFAULT.withGeneration(options));
    }

    /** As {@link #chat(List, ChatOptions)} with the default options. */
    public TokenStream chat(List<ChatMessage> messages) {
        return chat(messages, ChatOptions.DEFAULT);
    }

    /**
     * As {@link #chat(List, ChatOptions)}, with the answer taken apart: text for the user, reasoning and calls of tools, as the
     * model of this chat template writes them.
     *
     * @throws UnsupportedModelException as {@link #chat(List, ChatOptions)}, like the other exceptions
     */
    public AnswerStream answer(List<ChatMessage> messages, ChatOptions options) {
        return chat(messages, options, true, (stream, prompt) -> new AnswerStream(stream, prompt.parser()));
    }

    /** As {@link #answer(List, ChatOptions)} with the default options. */
    public AnswerStream answer(List<ChatMessage> messages) {
        return answer(messages, ChatOptions.DEFAULT);
    }

    /**
     * What stands between two texts, as code between what is before and what is after a cursor: the prompt is made with the tokens
     * that the model was trained with for that. What the session holds is kept as far as it agrees with it, token for token; the
     * rest is forgotten. Control tokens written in the texts stay text.
     *
     * @throws UnsupportedModelException if the model knows no such tokens, as {@link LanguageModel#canInfill} says
     * @throws ContextOverflowException if it does not fit; the session is unchanged
     * @throws OutOfMemoryException as {@link #stream(String, GenerationOptions)}
     * @throws IllegalStateException as {@link #stream(String, GenerationOptions)}
     */
    public TokenStream infill(String prefix, String suffix, GenerationOptions options) {
        return infill(prefix, suffix, List.of(), options);
    }

    /** As {@link #infill(String, String, GenerationOptions)} with other files that the model should know. */
    public TokenStream infill(String prefix, String suffix, List<SourceFile> files, GenerationOptions options) {
        Objects.requireNonNull(prefix, "prefix");
        Objects.requireNonNull(suffix, "suffix");
        Arguments.requireNonNull(files, "files");
        Objects.requireNonNull(options, "options");
        lock.enter();
        try {
            Cancellation cancellation = begin();
            int[] tokens = generations.infill(prefix, suffix, files);
            return start(0, context.commonPrefix(tokens), tokens, options, false, cancellation);
        } finally {
            lock.exit();
        }
    }

    /**
     * The answer to a conversation as a value: the model is kept to JSON that stands for one. What the type looks like is not
     * told to the model; {@link TypeMapping#schema} may be put into a message.
     *
     * @param type as {@link TypeMapping#of(Class)} takes it
     * @throws IncompleteAnswerException if the answer was cut before it was whole
     * @throws dev.nibble.constraint.ConstraintException if the type cannot be written as JSON, or refuses the value
     * @throws IllegalArgumentException if the options have a constraint of their own
     * @throws UnsupportedModelException as {@link #chat(List, ChatOptions)}, like the other exceptions
     */
    public <T> T answer(List<ChatMessage> messages, ChatOptions options, Class<T> type) {
        return answer(messages, options, TypeMapping.of(type));
    }

    /** As {@link #answer(List, ChatOptions, Class)}, for types that are more than a class. */
    public <T> T answer(List<ChatMessage> messages, ChatOptions options, TypeMapping<T> type) {
        TypedGeneration<T> typed = new TypedGeneration<>(type);
        try (AnswerStream answer = answer(messages, options.withGeneration(typed.constrained(options.generation())))) {
            return typed.value(answer.result().content(), answer.generation());
        }
    }

    /** As {@link #generate(String, GenerationOptions, Class)} with the default options. */
    public <T> T generate(String prompt, Class<T> type) {
        return generate(prompt, GenerationOptions.DEFAULT, type);
    }

    /**
     * What follows a prompt, as a value: the model is kept to JSON that stands for one.
     *
     * @param type as {@link TypeMapping#of(Class)} takes it
     * @throws IncompleteAnswerException if the text was cut before it was whole
     * @throws dev.nibble.constraint.ConstraintException if the type cannot be written as JSON, or refuses the value
     * @throws IllegalArgumentException if the options have a constraint of their own
     * @throws ContextOverflowException as {@link #stream(String, GenerationOptions)}, like the other exceptions
     */
    public <T> T generate(String prompt, GenerationOptions options, Class<T> type) {
        return generate(prompt, options, TypeMapping.of(type));
    }

    /** As {@link #generate(String, GenerationOptions, Class)}, for types that are more than a class. */
    public <T> T generate(String prompt, GenerationOptions options, TypeMapping<T> type) {
        TypedGeneration<T> typed = new TypedGeneration<>(type);
        Generation generation = generate(prompt, typed.constrained(options));
        return typed.value(generation.text(), generation);
    }

    /**
     * Begins anew with a source, of a model with an encoder: the level below generating. The tokens that {@link #evaluate} and {@link
     * #score} append from then on answer it; the first is usually {@link LanguageModel#decoderStartToken()}. It is read when they are
     * evaluated, unless it is the source that the session has.
     *
     * @param tokens at least one, to which nothing is added
     * @throws ContextOverflowException if they do not fit; the session is unchanged
     * @throws OutOfMemoryException if the KV cache cannot hold them; the session is unchanged
     * @throws IllegalArgumentException if a token is not in the vocabulary, or there is none
     * @throws UnsupportedOperationException if the model has no encoder
     * @throws IllegalStateException as {@link #stream(String, GenerationOptions)}
     */
    public void encode(int[] tokens) {
        Objects.requireNonNull(tokens, "tokens");
        lock.enter();
        try {
            begin();
            if (!context.hasEncoder()) {
                throw new UnsupportedOperationException(
                        "the model has no encoder: its sessions go on with their own text");
            }
            if (tokens.length == 0) {
                throw new IllegalArgumentException("tokens must not be empty");
            }
            context.checkSource(tokens);
            context.answer(tokens);
        } finally {
            lock.exit();
        }
    }

    /** The tokens that the session answers, as a copy; none without an encoder, or where nothing was read yet. */
    public int[] source() {
        lock.enter();
        try {
            return context.source().clone();
        } finally {
            lock.exit();
        }
    }

    /**
     * Appends tokens and evaluates them: the level below generating, for scoring and for own sampling loops. A diffusion model
     * evaluates the whole text again: the scores are those of the positions of the tokens, which see all that is there now.
     *
     * @param tokens at least one
     * @param allLogits whether the logits after every token are wanted or after the last only
     * @return [tokens.length or 1, vocabSize], the scores of what could follow
     * @throws ContextOverflowException if they do not fit; the session is unchanged
     * @throws OutOfMemoryException if the KV cache cannot grow by them
     * @throws IllegalArgumentException if a token is not in the vocabulary, there is none, or the result would not fit
     *     an array
     * @throws java.util.concurrent.CancellationException when cancelled, by {@link #cancel()}, an interrupt, or closing the
     *     session or the model; the session then holds the tokens evaluated so far
     * @throws IllegalStateException as {@link #stream(String, GenerationOptions)}; and if the model has an encoder and the session
     *     no source
     */
    public float[] evaluate(int[] tokens, boolean allLogits) {
        return evaluated(tokens, cancellation -> context.evaluate(tokens, allLogits, cancellation));
    }

    private float[] evaluated(int[] tokens, Function<Cancellation, float[]> evaluation) {
        Objects.requireNonNull(tokens, "tokens");
        lock.enter();
        try {
            Cancellation cancellation = begin();
            if (tokens.length == 0) {
                throw new IllegalArgumentException("tokens must not be empty");
            }
            if (context.hasEncoder() && context.source().length == 0) {
                throw new IllegalStateException("the model answers a text that its encoder reads, and the session has"
                        + " none: call encode before");
            }
            context.check(context.count(), tokens);
            context.checkGrowth(context.count() + tokens.length);
            return evaluation.apply(cancellation);
        } finally {
            lock.exit();
        }
    }

    /**
     * Appends tokens, evaluates them, and says how probable the model finds each: for perplexity, and for choosing among
     * given answers.
     *
     * @param tokens at least one
     * @return [tokens.length], for each token the natural logarithm of the probability with which it follows all before it;
     *     NaN for the first token of an empty session, which follows nothing
     * @throws UnsupportedModelException if the model is a diffusion model, for which a token follows nothing
     * @throws ContextOverflowException as {@link #evaluate}, like the other exceptions
     */
    public float[] score(int[] tokens) {
        generations.requireCausal();
        return evaluated(tokens, cancellation -> TextScores.of(context, tokens, cancellation));
    }

    /** As {@link #fork(int)} with all tokens: both go on from here. */
    public Session fork() {
        lock.enter();
        try {
            return forked(context.count());
        } finally {
            lock.exit();
        }
    }

    /**
     * Opens another session that begins with the first tokens of this one, so that several answers to one prompt cost one prompt. The
     * two share the memory of what they have in common and are otherwise independent: each may go on, be truncated or closed in any
     * order, in any thread. A generation that runs here is not disturbed.
     *
     * <p>Where the model cannot go back to an earlier position (recurrent state, sliding window), the other session evaluates its tokens
     * again when it goes on.
     *
     * @param length tokens, from 0 to those of the session
     * @throws IllegalArgumentException if the session does not hold that many
     * @throws UnsupportedOperationException if the backend's sessions cannot share memory
     * @throws OutOfMemoryException if there is no memory for it
     * @throws IllegalStateException as {@link #stream(String, GenerationOptions)}
     */
    public Session fork(int length) {
        lock.enter();
        try {
            checkLength(length);
            return forked(length);
        } finally {
            lock.exit();
        }
    }

    /**
     * Writes the session to a file, from which {@link LanguageModel#restore} goes on without evaluating its tokens again. The file
     * appears when it is whole: until then, and after any failure, what was there under the name is untouched.
     *
     * @throws IOException if it cannot be written
     * @throws UnsupportedOperationException if the backend's sessions cannot be saved, or an adapter counts in this one
     * @throws IllegalStateException as {@link #stream(String, GenerationOptions)}
     */
    public void save(Path file) throws IOException {
        Objects.requireNonNull(file, "file");
        lock.enter();
        try {
            files.apply(file).save(context);
        } finally {
            lock.exit();
        }
    }

    private Session forked(int length) {
        TokenContext fork = context.fork(length);
        return new Session(lock.ofOther(fork), fork, generations, predictor, files);
    }

    private void checkLength(int length) {
        if (length < 0 || length > context.count()) {
            throw new IllegalArgumentException(
                    "length must be from 0 to the " + context.count() + " tokens of the session, not " + length);
        }
    }

    /** The tokens the session holds, as a copy; of a model with an encoder, those of the answer. */
    public int[] tokens() {
        lock.enter();
        try {
            return Arrays.copyOf(context.tokens(), context.count());
        } finally {
            lock.exit();
        }
    }

    /** How many tokens the session holds. */
    public int length() {
        lock.enter();
        try {
            return context.count();
        } finally {
            lock.exit();
        }
    }

    /** How many tokens the session can hold. */
    public int contextLength() {
        return context.capacity();
    }

    /**
     * Forgets the tokens from position {@code length} on; a source stays. Where the model cannot go back (recurrent state, sliding
     * window), the tokens that stay are evaluated again by the next call.
     *
     * @throws IllegalArgumentException if the session does not hold that many
     */
    public void truncate(int length) {
        lock.enter();
        try {
            endActive();
            checkLength(length);
            context.truncate(length);
        } finally {
            lock.exit();
        }
    }

    /** Forgets everything. */
    public void reset() {
        lock.enter();
        try {
            endActive();
            context.reset();
        } finally {
            lock.exit();
        }
    }

    /**
     * Ends the generation or evaluation that is running, within a token or inside the evaluation of a long prompt. From
     * any thread; no effect when nothing runs.
     */
    public void cancel() {
        lock.cancel();
    }

    /**
     * Frees the KV cache. A running call of another thread is cancelled and waited for, but not while it is in a callback ({@link
     * dev.nibble.sampling.LogitsProcessor}, {@link PromptProgress}), which may wait for the thread that closes; nor is it waited for
     * from inside a call of this model. Then this returns, and what runs in this session frees its KV cache when it ends. A
     * generation that has not ended ends with {@link FinishReason#CANCELLED}. Later calls change nothing.
     */
    @Override
    public void close() {
        lock.close();
    }

    private TokenStream start(
            int promptStart,
            int kept,
            int[] prompt,
            GenerationOptions options,
            boolean showsControls,
            Cancellation cancellation) {
        Generator generator = generations.begin(
                context,
                promptStart,
                kept,
                prompt,
                lock.withCallbacks(options),
                showsControls,
                draft(options),
                cancellation);
        active = generator;
        return new TokenStream(lock, generator);
    }

    /** Who guesses, if a model does: it is asked again in later generations, and closed with the context. */
    private @Nullable Drafter draft(GenerationOptions options) {
        Speculation speculation = options.speculation().orElse(Speculation.none());
        if (speculation.isPrediction()) {
            PredictionDrafter predicts = prediction;
            if (predicts == null) {
                predicts = predictor.drafter(context);
                context.closeToo(predicts);
                prediction = predicts;
                draft = null;
            }
            return predicts;
        }
        LanguageModel model = speculation.draftModel().orElse(null);
        if (model == null) {
            return null;
        }
        DraftSession drafts = draft;
        if (drafts == null || drafts.model() != model) {
            drafts = model.draftFor(generations.vocabulary(), context);
            context.closeToo(drafts);
            draft = drafts;
            prediction = null;
        }
        return drafts;
    }

    /** Ends what was generated before, and makes what begins the one that {@link #cancel} ends. */
    private Cancellation begin() {
        Cancellation cancellation = lock.begin();
        endActive();
        return cancellation;
    }

    private void endActive() {
        if (active != null) {
            active.requestCancel();
            active.cancel();
            active = null;
        }
    }

    /** Whether the session or its model was closed, were it that a call still runs. */
    boolean isClosed() {
        return lock.isClosed();
    }
}
