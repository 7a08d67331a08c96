package dev.nibble;

/** A sound model file that needs something this version lacks: the message names it and what is supported. */
public class UnsupportedModelException extends NibbleException {
    private static final long serialVersionUID = 1L;

    public UnsupportedModelException(String message) {
        super(message);
    }
}
