package dev.nibble;

/** A model file that is damaged, truncated, or contradicts itself. The message names the file, where, and what. */
public class ModelFormatException extends NibbleException {
    private static final long serialVersionUID = 1L;

    public ModelFormatException(String message) {
        super(message);
    }

    public ModelFormatException(String message, Throwable cause) {
        super(message, cause);
    }
}
