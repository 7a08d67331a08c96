package dev.nibble.server.work;

import dev.nibble.GeneratedToken;
import java.util.List;

/** Takes an answer as it comes. What it throws ends the answer. */
public interface AnswerSink {
    /**
     * Text for the user.
     *
     * @param text never empty
     * @param tokens that were read for it, those that stand for no text left out
     */
    void content(String text, List<GeneratedToken> tokens);

    /** Text of the model's thinking, never empty. */
    void reasoning(String text);

    /** A call of a tool begins. */
    void call(int index, String id, String name);

    /** More of the arguments of a call, as JSON. */
    void arguments(int index, String json);

    /** A call is whole. */
    default void callEnd(int index) {}

    /**
     * How far a prompt is.
     *
     * @param held tokens that need no evaluation
     * @param evaluated tokens, those held included
     * @param total tokens of the prompt
     * @param nanos since the evaluation began
     */
    record Progress(int held, int evaluated, int total, long nanos) {}

    /** More of the prompt is evaluated, or is about to be: the first tells of nothing but what is held. */
    default void progress(Progress progress) {}

    /** A token was chosen, before what it adds. */
    default void token(GeneratedToken token) {}
}
