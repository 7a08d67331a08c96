package dev.nibble.constraint;

import dev.nibble.NibbleException;

/**
 * A constraint cannot be compiled or kept: it is malformed, no text can satisfy it, or it asks for something that cannot be
 * enforced. The message names what and where; nothing is ever enforced in part.
 */
public final class ConstraintException extends NibbleException {
    private static final long serialVersionUID = 1;

    /** A failure described by {@code message}. */
    public ConstraintException(String message) {
        super(message);
    }

    /** A failure described by {@code message}, because of another. */
    public ConstraintException(String message, Throwable cause) {
        super(message, cause);
    }
}
