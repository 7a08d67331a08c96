package dev.nibble.chat;

/** What a piece of an answer adds to it. Nothing is ever taken back. Immutable. */
public final class AnswerDelta {
    /** What is added. */
    public enum Kind {
        /** Text for the user. */
        CONTENT,
        /** Text of the model's thinking. */
        REASONING,
        /** A call begins; the text is the name of the tool. */
        CALL,
        /** More of the arguments of the call that began last, as JSON. */
        ARGUMENTS,
        /** The call that began last is finished and valid; the text is its id, empty without. */
        CALL_END,
        /** A call is finished and not valid: the one that began last if it is of this tool and still open. The text is why. */
        CALL_REFUSED
    }

    private final Kind kind;
    private final String text;

    AnswerDelta(Kind kind, String text) {
        this.kind = kind;
        this.text = text;
    }

    /** What is added. */
    public Kind kind() {
        return kind;
    }

    /** The text that is added. */
    public String text() {
        return text;
    }

    @Override
    public String toString() {
        return kind + " " + text;
    }
}
