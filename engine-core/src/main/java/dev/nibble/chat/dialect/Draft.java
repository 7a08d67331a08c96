package dev.nibble.chat.dialect;

import org.jspecify.annotations.Nullable;

/** A call while it is read. Its parts are set again, the same or longer, when a stretch of the text is read again. */
final class Draft {
    private final Tools tools;
    /** Whether what names no known tool is no call. */
    final boolean onlyKnown;

    @Nullable String name;

    @Nullable String id;
    /** JSON as far as it has come. */
    String arguments = "";
    /** Whether all of it has been read. */
    boolean done;

    /** The parameter that is read. */
    String key = "";
    /** What the text says of the type of the parameter: a string, or not; null where it says nothing. */
    @Nullable Boolean string;

    Draft(Tools tools, boolean onlyKnown) {
        this.tools = tools;
        this.onlyKnown = onlyKnown;
    }

    /** Sets the name; where only known tools are looked for, another one is {@link Unread#OTHER}. */
    void name(String value) {
        if (onlyKnown && !tools.has(value)) {
            throw Unread.OTHER;
        }
        name = value;
    }

    /** A parameter, written as text, as JSON. */
    String value(String text) {
        return tools.value(name == null ? "" : name, key, text, string);
    }
}
