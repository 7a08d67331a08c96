package dev.nibble;

/** Memory outside the Java heap that is not there: the message says what for, how much, and what would fit. */
public class OutOfMemoryException extends NibbleException {
    private static final long serialVersionUID = 1L;

    public OutOfMemoryException(String message) {
        super(message);
    }

    public OutOfMemoryException(String message, Throwable cause) {
        super(message, cause);
    }
}
