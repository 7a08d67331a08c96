package dev.nibble;

/** Is told how far the evaluation of a prompt is, for whoever waits for the first token of a long one. */
@FunctionalInterface
public interface PromptProgress {
    /** Tells nobody. */
    PromptProgress NONE = (evaluated, total) -> {};

    /**
     * A part of the prompt is evaluated. Called by the thread that asks for the first token, within that call, between
     * the parts in which the prompt is evaluated (some hundred tokens each) and after the last; never for the tokens of
     * the answer. It may cancel the generation; any other call of the session is refused. What it throws reaches whoever
     * asked for the token.
     *
     * @param evaluated tokens evaluated so far, those that the session held before included
     * @param total tokens that the session holds
     */
    void evaluated(int evaluated, int total);

    /**
     * The evaluation begins: called before the first part, as {@link #evaluated} is.
     *
     * @param held tokens that need no evaluation, as the session or another one of the model holds them
     * @param total tokens that the session holds
     */
    default void begins(int held, int total) {}
}
