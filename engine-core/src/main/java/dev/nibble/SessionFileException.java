package dev.nibble;

/**
 * A file that a session cannot be restored from: it is no saved session, damaged or cut, of another version, another model or another
 * type of KV cache. Nothing was opened.
 */
public class SessionFileException extends NibbleException {
    private static final long serialVersionUID = 1L;

    public SessionFileException(String message) {
        super(message);
    }

    public SessionFileException(String message, Throwable cause) {
        super(message, cause);
    }
}
