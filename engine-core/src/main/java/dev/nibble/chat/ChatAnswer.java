package dev.nibble.chat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An answer of a model, taken apart. Immutable. */
public final class ChatAnswer {
    private final String content;
    private final String reasoning;
    private final List<ToolCall> toolCalls;
    private final List<RefusedCall> refusedCalls;
    private final @Nullable String cutCall;

    ChatAnswer(
            String content,
            String reasoning,
            List<ToolCall> toolCalls,
            List<RefusedCall> refusedCalls,
            @Nullable String cutCall) {
        this.content = content;
        this.reasoning = reasoning;
        this.toolCalls = List.copyOf(toolCalls);
        this.refusedCalls = List.copyOf(refusedCalls);
        this.cutCall = cutCall;
    }

    /** The text for the user, without white space around it; empty if there is none. */
    public String content() {
        return content;
    }

    /** What the model wrote while it was thinking, without white space around it; empty if there is none. */
    public String reasoning() {
        return reasoning;
    }

    /** The finished and valid calls, in order. */
    public List<ToolCall> toolCalls() {
        return toolCalls;
    }

    /** The finished calls that are not valid, in order. */
    public List<RefusedCall> refusedCalls() {
        return refusedCalls;
    }

    /** The answer as a message of the conversation that goes on: content, reasoning, and the finished calls. */
    public ChatMessage toMessage() {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        if (!reasoning.isEmpty()) {
            fields.put("reasoning_content", reasoning);
        }
        if (!toolCalls.isEmpty()) {
            fields.put("tool_calls", toolCalls.stream().map(ToolCall::toMap).toList());
        }
        return new ChatMessage("assistant", content, fields);
    }

    /** Whether the answer does not end within a call. */
    public boolean isComplete() {
        return cutCall == null;
    }

    /** The name of the tool within whose call the answer ends, empty text if the name is cut as well. */
    public Optional<String> cutCall() {
        return Optional.ofNullable(cutCall);
    }
}
