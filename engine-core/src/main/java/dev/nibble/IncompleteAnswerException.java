package dev.nibble;

import java.util.Objects;

/** A value was asked for, and its text was cut before it was whole: by a limit, the context, a stop string or a cancellation. */
public final class IncompleteAnswerException extends NibbleException {
    private static final long serialVersionUID = 1;

    private final String partialText;
    private final FinishReason finishReason;

    /**
     * A text that was cut.
     *
     * @param partialText what there is of it
     * @param finishReason what cut it
     */
    public IncompleteAnswerException(String partialText, FinishReason finishReason) {
        super("the answer is cut (" + finishReason + "), so that it stands for no value: "
                + Objects.requireNonNull(partialText, "partialText"));
        this.partialText = partialText;
        this.finishReason = Objects.requireNonNull(finishReason, "finishReason");
    }

    /** What there is of the text. */
    public String partialText() {
        return partialText;
    }

    /** What cut it. */
    public FinishReason finishReason() {
        return finishReason;
    }
}
