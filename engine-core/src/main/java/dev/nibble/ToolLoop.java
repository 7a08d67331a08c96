package dev.nibble;

import dev.nibble.chat.AnswerDelta;
import dev.nibble.chat.ChatAnswer;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.RefusedCall;
import dev.nibble.chat.Tool;
import dev.nibble.chat.ToolCall;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Lets a model work with tools: it answers, the tools that it calls are run, it hears what they gave back and answers again,
 * until it calls none. What a tool fails with is told to the model, as is a call that must not be made. Used by the thread that
 * uses the session; {@link #cancel()} by any.
 *
 * <pre>{@code
 * ChatOptions options = ChatOptions.DEFAULT.withTools(weather, calendar);
 * ToolLoop.Result result = new ToolLoop(session, options).run(List.of(ChatMessage.user("Do I need an umbrella?")));
 * System.out.println(result.answer().content());
 * }</pre>
 */
public final class ToolLoop {
    /** How often tools are run at the most, unless something else is said. */
    public static final int DEFAULT_STEPS = 8;

    private static final String VETO = "error: this call is not allowed";

    /** Sees what happens, and may forbid it. All methods are called by the thread that runs the loop. */
    public interface Listener {
        /** Nothing is forbidden. */
        Listener NONE = new Listener() {};

        /** Something is added to the answer that is generated. */
        default void heard(AnswerDelta delta) {}

        /**
         * Whether a call may be made; one that may not is told to the model as such. What has effects in the world should be
         * let through by a person.
         */
        default boolean allows(ToolCall call) {
            return true;
        }

        /** What a call gave back, or why it did not, as the model is told it. */
        default void gave(ToolCall call, String result) {}
    }

    /** How a loop ended. Immutable. */
    public static final class Result {
        private final ChatAnswer answer;
        private final Generation generation;
        private final List<ChatMessage> messages;

        private Result(ChatAnswer answer, Generation generation, List<ChatMessage> messages) {
            this.answer = answer;
            this.generation = generation;
            this.messages = List.copyOf(messages);
        }

        /** The last answer. */
        public ChatAnswer answer() {
            return answer;
        }

        /** The generation of the last answer. */
        public Generation generation() {
            return generation;
        }

        /** The whole conversation: what was given, answers, results of tools, the last answer. */
        public List<ChatMessage> messages() {
            return messages;
        }

        /**
         * Whether the last answer is whole and calls no tool. Else the steps were used up, the answer was cut, the loop was
         * cancelled, or a tool was called that has no handler; the caller may add results to the messages and go on.
         */
        public boolean isFinished() {
            return generation.isComplete()
                    && answer.isComplete()
                    && answer.toolCalls().isEmpty();
        }
    }

    private final Session session;
    private final ChatOptions options;
    private final int maxSteps;
    private final Listener listener;
    private volatile boolean cancelled;
    private volatile List<Future<String>> running = List.of();

    /** A loop with {@link #DEFAULT_STEPS} steps and no listener. */
    public ToolLoop(Session session, ChatOptions options) {
        this(session, options, DEFAULT_STEPS, Listener.NONE);
    }

    private ToolLoop(Session session, ChatOptions options, int maxSteps, Listener listener) {
        this.session = Objects.requireNonNull(session, "session");
        this.options = Objects.requireNonNull(options, "options");
        this.maxSteps = maxSteps;
        this.listener = listener;
    }

    /** A loop like this that runs tools at most so often, once or more. */
    public ToolLoop withMaxSteps(int value) {
        if (value < 1) {
            throw new IllegalArgumentException("maxSteps must be 1 or more, not " + value);
        }
        return new ToolLoop(session, options, value, listener);
    }

    /** A loop like this with a listener. */
    public ToolLoop withListener(Listener value) {
        return new ToolLoop(session, options, maxSteps, Objects.requireNonNull(value, "listener"));
    }

    /**
     * Answers a conversation. What the listener throws ends the loop and is thrown.
     *
     * @param messages the conversation so far
     * @throws NibbleException as {@link Session#answer(List, ChatOptions)}, like the other exceptions
     */
    public Result run(List<ChatMessage> messages) {
        List<ChatMessage> conversation = new ArrayList<>(Arguments.requireNonNull(messages, "messages"));
        Map<String, Tool> tools = new HashMap<>();
        options.tools().forEach(tool -> tools.put(tool.spec().name(), tool));
        for (int step = 0; ; step++) {
            Result result = answer(conversation);
            List<ToolCall> calls = result.answer.toolCalls();
            boolean whole = result.generation.isComplete() && result.answer.isComplete();
            boolean runnable = calls.stream().allMatch(call -> tool(tools, call).hasHandler());
            boolean none = calls.isEmpty() && result.answer.refusedCalls().isEmpty();
            if (!whole || none || !runnable || step == maxSteps || cancelled) {
                return result;
            }
            for (RefusedCall call : result.answer.refusedCalls()) {
                conversation.add(ChatMessage.tool("error: " + call.name() + ": " + call.reason()));
            }
            if (!runAll(calls, tools, conversation)) {
                return new Result(result.answer, result.generation, conversation);
            }
        }
    }

    /** Ends the loop: the answer that is generated, and tools that run, which are interrupted. From any thread. */
    public void cancel() {
        cancelled = true;
        session.cancel();
        running.forEach(call -> call.cancel(true));
    }

    private Result answer(List<ChatMessage> conversation) {
        try (AnswerStream stream = session.answer(conversation, options)) {
            if (cancelled) {
                stream.cancel();
            }
            while (stream.hasNext()) {
                listener.heard(stream.next());
            }
            conversation.add(stream.result().toMessage());
            return new Result(stream.result(), stream.generation(), conversation);
        }
    }

    private static Tool tool(Map<String, Tool> tools, ToolCall call) {
        return Objects.requireNonNull(tools.get(call.name()), call.name()); // the parser knows no other calls
    }

    /** Runs the calls of an answer, all at once, and adds what they give back in their order; false if they were cancelled. */
    private boolean runAll(List<ToolCall> calls, Map<String, Tool> tools, List<ChatMessage> conversation) {
        List<Boolean> allowed = calls.stream().map(listener::allows).toList();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<String>> results = new ArrayList<>();
            for (int i = 0; i < calls.size(); i++) {
                ToolCall call = calls.get(i);
                boolean may = allowed.get(i);
                results.add(threads.submit(() -> may ? tool(tools, call).run(call.arguments()) : VETO));
            }
            running = List.copyOf(results);
            if (cancelled) {
                running.forEach(result -> result.cancel(true));
            }
            for (int i = 0; i < calls.size(); i++) {
                String result = result(results.get(i));
                listener.gave(calls.get(i), result);
                conversation.add(ChatMessage.tool(calls.get(i), result));
            }
            return !cancelled;
        } catch (CancellationException e) {
            return false;
        } catch (InterruptedException e) {
            running.forEach(result -> result.cancel(true));
            Thread.currentThread().interrupt();
            return false;
        } finally {
            running = List.of();
        }
    }

    private static String result(Future<String> call) throws InterruptedException {
        try {
            return call.get();
        } catch (ExecutionException e) {
            Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
            String message = cause.getMessage();
            return "error: " + (message == null ? cause.getClass().getSimpleName() : message);
        }
    }
}
