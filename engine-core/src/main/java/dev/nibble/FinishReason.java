package dev.nibble;

/** Why a generation ended. */
public enum FinishReason {
    /** The model chose an end-of-generation token, or the {@linkplain GenerationOptions#constraint() constraint} left only the end. */
    STOP_TOKEN,
    /** The text came to contain one of {@link GenerationOptions#stop()}. */
    STOP_STRING,
    /** {@link GenerationOptions#maxTokens()} tokens were generated. */
    MAX_TOKENS,
    /** The session's context is full. */
    CONTEXT_FULL,
    /**
     * {@link TokenStream#cancel()} or {@link Session#cancel()}, an interrupt of the thread, or the stream, the session or
     * the model was closed before the end.
     */
    CANCELLED
}
