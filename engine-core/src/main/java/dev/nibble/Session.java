package dev.nibble;

import dev.nibble.chat.ChatMessage;
import java.util.List;

/**
 * A sequence of tokens that a model continues, with its KV cache. Tokens are evaluated once: each call goes on where the
 * last one ended.
 *
 * <p>A session is used by one thread at a time, which is checked; {@link #cancel()} may be called by any. Several
 * sessions of one model may run in parallel.
 *
 * <p>The session holds the prompts and the generated tokens, without an end-of-generation token that ended a
 * generation. The token generated last is evaluated by the next call that needs it, not before.
 */
public final class Session implements AutoCloseable {
    Session() {}

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
     * @throws IllegalArgumentException if there is nothing to continue: an empty prompt in an empty session, or an
     *     option that does not suit the model
     * @throws IllegalStateException if the session or the model is closed, or another thread is using the session
     */
    public TokenStream stream(String prompt, GenerationOptions options) {
        return Unfinished.body();
    }

    /** As {@link #stream(String, GenerationOptions)} for tokens, to which nothing is added. */
    public TokenStream stream(int[] tokens, GenerationOptions options) {
        return Unfinished.body();
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
     * @throws UnsupportedModelException if the file has no chat template
     * @throws UnsupportedChatTemplateException if the template cannot be rendered
     * @throws ContextOverflowException if the conversation does not fit; the session is unchanged
     * @throws IllegalStateException as {@link #stream(String, GenerationOptions)}
     */
    public TokenStream chat(List<ChatMessage> messages, GenerationOptions options) {
        return Unfinished.body();
    }

    /** As {@link #chat(List, GenerationOptions)} with the default options. */
    public TokenStream chat(List<ChatMessage> messages) {
        return chat(messages, GenerationOptions.DEFAULT);
    }

    /**
     * Appends tokens and evaluates them: the level below generating, for scoring and for own sampling loops.
     *
     * @param tokens at least one
     * @param allLogits whether the logits after every token are wanted or after the last only
     * @return [tokens.length or 1, vocabSize], the scores of what could follow
     * @throws ContextOverflowException if they do not fit; the session is unchanged
     * @throws IllegalArgumentException if a token is not in the vocabulary, there is none, or the result would not fit
     *     an array
     * @throws java.util.concurrent.CancellationException when cancelled; the session then holds the tokens evaluated so
     *     far
     * @throws IllegalStateException as {@link #stream(String, GenerationOptions)}
     */
    public float[] evaluate(int[] tokens, boolean allLogits) {
        return Unfinished.body();
    }

    /** The tokens the session holds, as a copy. */
    public int[] tokens() {
        return Unfinished.body();
    }

    /** How many tokens the session holds. */
    public int length() {
        return Unfinished.body();
    }

    /** How many tokens the session can hold. */
    public int contextLength() {
        return Unfinished.body();
    }

    /**
     * Forgets the tokens from position {@code length} on. Where the model cannot go back (recurrent state, sliding
     * window), the tokens that stay are evaluated again by the next call.
     *
     * @throws IllegalArgumentException if the session does not hold that many
     */
    public void truncate(int length) {
        Unfinished.body();
    }

    /** Forgets everything. */
    public void reset() {
        truncate(0);
    }

    /**
     * Ends the generation or evaluation that is running, within a token or inside the evaluation of a long prompt. From
     * any thread; no effect when nothing runs.
     */
    public void cancel() {
        Unfinished.body();
    }

    /** Frees the KV cache; waits for a running call of another thread, which is cancelled. Later calls do nothing. */
    @Override
    public void close() {
        Unfinished.body();
    }
}
