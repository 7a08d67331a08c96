package dev.nibble.cli.models;

import java.io.IOException;

/** A server that did not answer, as opposed to one that said no. */
public class UnreachableException extends IOException {
    private static final long serialVersionUID = 1L;

    public UnreachableException(String message, Throwable cause) {
        super(message, cause);
    }

    public UnreachableException(String message) {
        super(message);
    }
}
