package dev.nibble.cli.models;

import java.io.IOException;

/** A model that cannot be had: the message says in one line where it was looked for and what to do. */
public class ModelNotFoundException extends IOException {
    private static final long serialVersionUID = 1L;

    public ModelNotFoundException(String message) {
        super(message);
    }

    public ModelNotFoundException(String message, Throwable cause) {
        super(message, cause);
    }
}
