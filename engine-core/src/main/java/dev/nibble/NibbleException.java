package dev.nibble;

/** The root of every exception this library throws for its input, as opposed to misuse of its API. */
public class NibbleException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public NibbleException(String message) {
        super(message);
    }

    public NibbleException(String message, Throwable cause) {
        super(message, cause);
    }

    /** What is wrong, where, and what to do; never null. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
