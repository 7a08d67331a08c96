package dev.nibble.chat;

/** A call that a model has written and that must not be made: the tool is unknown, or the arguments are not valid. Immutable. */
public final class RefusedCall {
    private final String name;
    private final String arguments;
    private final String reason;

    RefusedCall(String name, String arguments, String reason) {
        this.name = name;
        this.arguments = arguments;
        this.reason = reason;
    }

    /** The name that the model gave. */
    public String name() {
        return name;
    }

    /** The arguments as far as they could be read; perhaps no JSON. */
    public String arguments() {
        return arguments;
    }

    /** What is wrong, in words that the model can be told. */
    public String reason() {
        return reason;
    }

    @Override
    public String toString() {
        return name + arguments + ": " + reason;
    }
}
