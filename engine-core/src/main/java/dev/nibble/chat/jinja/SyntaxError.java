package dev.nibble.chat.jinja;

/** A {@link TemplateError} found before anything was rendered, with its line. */
final class SyntaxError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient TemplateError error;
    private final int line;

    SyntaxError(TemplateError error, int line) {
        super(error.text(), null, false, false);
        this.error = error;
        this.line = line;
    }

    TemplateError error() {
        return error;
    }

    int line() {
        return line;
    }
}
