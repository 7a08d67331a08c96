package dev.nibble.json;

import dev.nibble.NibbleException;

/** A text is not JSON; the message says what text, where and why. */
public final class JsonException extends NibbleException {
    private static final long serialVersionUID = 1;

    JsonException(String message) {
        super(message);
    }
}
