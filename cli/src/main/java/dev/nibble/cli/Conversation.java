package dev.nibble.cli;

import dev.nibble.ChatOptions;
import dev.nibble.ContextOverflowException;
import dev.nibble.FinishReason;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.NibbleException;
import dev.nibble.Session;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.ToolCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What was said in a chat, and how it goes on. */
final class Conversation {
    /** Tokens that an answer should at least have room for, where the context is not a small one. */
    private static final int ROOM = 256;

    /** Hears an answer. */
    @FunctionalInterface
    interface Listener {
        /** The next piece of the answer. */
        void heard(String piece);

        /** Before an answer: this many of the oldest messages do not fit the context any more and are left out. */
        default void forgotten(int messages) {}

        /** After the text: a tool is called. */
        default void called(ToolCall call) {}
    }

    private final Session session;
    private final List<ChatMessage> opening;
    private final List<ChatMessage> turns;
    private ChatOptions options;
    private @Nullable String system;
    private @Nullable Generation last;

    Conversation(Session session, ChatOptions options, @Nullable String system) {
        this(session, options, system, List.of());
    }

    /**
     * @param opening messages that count as said from the beginning, also after {@link #clear}
     */
    Conversation(Session session, ChatOptions options, @Nullable String system, List<ChatMessage> opening) {
        this.session = session;
        this.opening = List.copyOf(opening);
        this.turns = new ArrayList<>(opening);
        this.options = options;
        this.system = system;
    }

    GenerationOptions options() {
        return options.generation();
    }

    void setOptions(GenerationOptions generation) {
        options = options.withGeneration(generation);
    }

    @Nullable String system() {
        return system;
    }

    /** Changes the system message; what was said stays. */
    void setSystem(@Nullable String text) {
        system = text;
    }

    /** The latest answer. */
    Optional<Generation> last() {
        return Optional.ofNullable(last);
    }

    int tokens() {
        return session.length();
    }

    int contextLength() {
        return session.contextLength();
    }

    /** Forgets what was said, but not the system message and the settings. */
    void clear() {
        turns.clear();
        turns.addAll(opening);
        last = null;
        session.reset();
    }

    /** Stops the answer that is being given, from any thread. */
    void cancel() {
        session.cancel();
    }

    /**
     * Says something and hears the answer.
     *
     * @param listener gets the answer piece by piece
     * @throws NibbleException if it does not fit the context or the template refuses it; it then counts as not said
     */
    FinishReason say(String text, Listener listener) {
        turns.add(ChatMessage.user(text));
        try {
            return answer(listener);
        } catch (NibbleException | IllegalArgumentException e) {
            turns.remove(turns.size() - 1);
            throw e;
        }
    }

    /**
     * Hears another answer to what was said last.
     *
     * @throws IllegalStateException if nothing was said
     */
    FinishReason regenerate(Listener listener) {
        if (last == null) {
            throw new IllegalStateException("there is no answer to give again");
        }
        ChatMessage removed = turns.remove(turns.size() - 1);
        try {
            return answer(listener);
        } catch (NibbleException | IllegalArgumentException e) {
            turns.add(removed);
            throw e;
        }
    }

    private FinishReason answer(Listener listener) {
        List<ChatMessage> kept = new ArrayList<>(turns);
        try (Answering stream = open(kept)) {
            int forgotten = turns.size() - kept.size();
            if (forgotten > 0) {
                turns.subList(0, forgotten).clear();
                listener.forgotten(forgotten);
            }
            stream.hear(listener);
            Generation generation = stream.generation();
            last = generation;
            turns.add(stream.message());
            return generation.finishReason();
        }
    }

    /**
     * Begins the answer to {@code kept}, from which the oldest messages are taken until it fits with room for an answer.
     * Then more are taken than must be: after each time, all that is left has to be evaluated again.
     */
    private Answering open(List<ChatMessage> kept) {
        int capacity = session.contextLength();
        int room = Math.min(maxTokens(), Math.min(ROOM, capacity / 8));
        while (true) {
            int next = secondQuestion(kept);
            try {
                Answering stream = options.tools().isEmpty()
                        ? Answering.of(session.chat(messages(kept), options))
                        : Answering.of(session.answer(messages(kept), options));
                if (next < 0 || capacity - session.length() >= room) {
                    return stream;
                }
                stream.close(); // nothing of it is evaluated yet
            } catch (ContextOverflowException e) {
                if (next < 0) {
                    throw e;
                }
            }
            kept.subList(0, next).clear();
            room = Math.min(maxTokens(), capacity / 4);
        }
    }

    /** The index of the second message of the user, with which a shorter conversation could begin; -1 without. */
    private static int secondQuestion(List<ChatMessage> messages) {
        for (int i = 1; i < messages.size(); i++) {
            if (messages.get(i).role().equals("user")) {
                return i;
            }
        }
        return -1;
    }

    private List<ChatMessage> messages(List<ChatMessage> said) {
        List<ChatMessage> messages = new ArrayList<>();
        if (system != null) {
            messages.add(ChatMessage.system(system));
        }
        messages.addAll(said);
        return messages;
    }

    private int maxTokens() {
        return options().maxTokens().orElse(Integer.MAX_VALUE);
    }
}
