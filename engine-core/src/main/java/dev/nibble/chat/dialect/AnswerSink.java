package dev.nibble.chat.dialect;

import org.jspecify.annotations.Nullable;

/** Takes the parts of an answer as they are read; nothing is ever taken back. */
public interface AnswerSink {
    /** More of the text. */
    void content(String text);

    /** More of the reasoning. */
    void reasoning(String text);

    /** The next call of a tool that there is. */
    void callBegins(String name);

    /** More of the arguments of the call, as JSON. */
    void arguments(String json);

    /** A call is over and valid. It has begun, in the order of the calls; the arguments are all that were given. */
    void callEnds(String name, String arguments, @Nullable String id);

    /** A call is over and not valid, or broken. It may have begun. */
    void callFails(String name, String arguments, String why);
}
