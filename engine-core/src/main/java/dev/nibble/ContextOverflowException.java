package dev.nibble;

/** A prompt that does not fit what is left of a session's context. Nothing was evaluated. */
public class ContextOverflowException extends NibbleException {
    private static final long serialVersionUID = 1L;

    private final int tokens;
    private final int available;

    /**
     * @param tokens how many tokens were given
     * @param available how many still fit
     * @param contextLength the context of the session
     */
    public ContextOverflowException(int tokens, int available, int contextLength) {
        super("the prompt has " + tokens + " tokens, but only " + available + " of the context of " + contextLength
                + " are left; shorten it or open the session with a larger context");
        this.tokens = tokens;
        this.available = available;
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
