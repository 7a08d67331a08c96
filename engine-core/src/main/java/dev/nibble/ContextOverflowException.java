package dev.nibble;

/** A text that does not fit the context, or what is left of a session's. Nothing was evaluated. */
public class ContextOverflowException extends NibbleException {
    private static final long serialVersionUID = 1L;

    private final int tokens;
    private final int available;

    /**
     * A prompt that does not fit a session.
     *
     * @param tokens how many tokens were given
     * @param available how many still fit
     * @param contextLength the context of the session
     */
    public ContextOverflowException(int tokens, int available, int contextLength) {
        super("the prompt has " + tokens + " tokens, but "
                + (available == contextLength
                        ? "the context holds only " + contextLength
                        : "only " + available + " of the " + contextLength + " of the context are left")
                + "; shorten it or open the session with a larger context");
        this.tokens = tokens;
        this.available = available;
    }

    /**
     * A text to embed that is longer than the model's context.
     *
     * @param text which text, as {@code the text} or {@code text 3}
     * @param tokens how many tokens it has
     * @param contextLength how many fit
     */
    public ContextOverflowException(String text, int tokens, int contextLength) {
        super(text + " has " + tokens + " tokens, but the context holds " + contextLength + "; shorten or split it");
        this.tokens = tokens;
        this.available = contextLength;
    }

    /** How many tokens were given. */
    public int tokens() {
        return tokens;
    }

    /** How many tokens still fitted. */
    public int available() {
        return available;
    }
}
