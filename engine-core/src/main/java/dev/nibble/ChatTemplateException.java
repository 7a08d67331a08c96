package dev.nibble;

/**
 * A chat template that is not well-formed, fails on the values given to it, or refuses them. When the template itself refuses, by
 * {@code raise_exception}, the message is the template's own; otherwise it says what went wrong and in which line.
 */
public class ChatTemplateException extends NibbleException {
    private static final long serialVersionUID = 1L;

    public ChatTemplateException(String message) {
        super(message);
    }
}
