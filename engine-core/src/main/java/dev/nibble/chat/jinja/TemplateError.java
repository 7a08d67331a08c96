package dev.nibble.chat.jinja;

/**
 * What goes wrong while a template is parsed or rendered, before {@link Template} adds the line and turns it into a public
 * exception.
 */
final class TemplateError extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What kind of exception the caller sees. */
    enum Kind {
        /** The template or the values given to it are wrong. */
        FAILED,
        /** The template called {@code raise_exception}. */
        RAISED,
        /** The template uses something this interpreter lacks. */
        UNSUPPORTED
    }

    private final Kind kind;

    private TemplateError(Kind kind, String message) {
        super(message, null, false, false);
        this.kind = kind;
    }

    TemplateError(String message) {
        this(Kind.FAILED, message);
    }

    static TemplateError raised(String message) {
        return new TemplateError(Kind.RAISED, message);
    }

    static TemplateError unsupported(String construct) {
        return new TemplateError(Kind.UNSUPPORTED, construct);
    }

    Kind kind() {
        return kind;
    }

    String text() {
        String message = getMessage();
        return message == null ? "" : message;
    }
}
