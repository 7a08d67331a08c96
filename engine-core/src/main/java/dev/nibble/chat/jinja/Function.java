package dev.nibble.chat.jinja;

/**
 * Something a template can call.
 *
 * @param name as messages show it
 * @param body what it does
 */
record Function(String name, Body body) implements Value {

    /** The code behind a function. */
    @FunctionalInterface
    interface Body {
        Value call(Rendering rendering, Arguments arguments);
    }
}
