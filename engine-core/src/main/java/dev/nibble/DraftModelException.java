package dev.nibble;

/** A draft model that cannot guess what another model generates: its vocabulary is another, one of them has an encoder, or it was closed. */
public class DraftModelException extends NibbleException {
    private static final long serialVersionUID = 1L;

    public DraftModelException(String message) {
        super(message);
    }
}
