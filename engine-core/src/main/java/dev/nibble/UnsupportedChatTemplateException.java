package dev.nibble;

/** A chat template that cannot be rendered: the message names the construct and its line. */
public class UnsupportedChatTemplateException extends NibbleException {
    private static final long serialVersionUID = 1L;

    public UnsupportedChatTemplateException(String message) {
        super(message);
    }
}
