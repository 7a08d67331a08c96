package dev.nibble.server.work;

import dev.nibble.GeneratedToken;
import java.util.ArrayList;
import java.util.List;

/** An answer as a whole. */
public final class Collected implements AnswerSink {
    /**
     * A call of a tool.
     *
     * @param arguments a JSON object
     */
    public record Called(String id, String name, String arguments) {}

    private final StringBuilder content = new StringBuilder();
    private final StringBuilder reasoning = new StringBuilder();
    private final List<GeneratedToken> tokens = new ArrayList<>();
    private final List<Called> calls = new ArrayList<>();
    private final StringBuilder arguments = new StringBuilder();
    private String id = "";
    private String name = "";

    @Override
    public void content(String text, List<GeneratedToken> added) {
        content.append(text);
        tokens.addAll(added);
    }

    @Override
    public void reasoning(String text) {
        reasoning.append(text);
    }

    @Override
    public void call(int index, String callId, String tool) {
        id = callId;
        name = tool;
        arguments.setLength(0);
    }

    @Override
    public void arguments(int index, String json) {
        arguments.append(json);
    }

    @Override
    public void callEnd(int index) {
        calls.add(new Called(id, name, arguments.isEmpty() ? "{}" : arguments.toString()));
    }

    /** The text for the user. */
    public String content() {
        return content.toString();
    }

    /** The thinking. */
    public String reasoning() {
        return reasoning.toString();
    }

    /** The tokens of the content. */
    public List<GeneratedToken> tokens() {
        return tokens;
    }

    /** The calls that are whole. */
    public List<Called> calls() {
        return calls;
    }
}
