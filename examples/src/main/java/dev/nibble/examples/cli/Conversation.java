package dev.nibble.examples.cli;

import dev.nibble.FinishReason;
import dev.nibble.GeneratedToken;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.NibbleException;
import dev.nibble.Session;
import dev.nibble.TokenStream;
import dev.nibble.chat.ChatMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What was said in a chat, and how it goes on. */
final class Conversation {
    private final Session session;
    private final List<ChatMessage> opening;
    private final List<ChatMessage> turns;
    private GenerationOptions options;
    private @Nullable String system;
    private @Nullable Generation last;

    Conversation(Session session, GenerationOptions options, @Nullable String system) {
        this(session, options, system, List.of());
    }

    /**
     * @param opening messages that count as said from the beginning, also after {@link #clear}
     */
    Conversation(Session session, GenerationOptions options, @Nullable String system, List<ChatMessage> opening) {
        this.session = session;
        this.opening = List.copyOf(opening);
        this.turns = new ArrayList<>(opening);
        this.options = options;
        this.system = system;
    }

    GenerationOptions options() {
        return options;
    }

    void setOptions(GenerationOptions options) {
        this.options = options;
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
     * @param heard gets the answer piece by piece
     * @throws NibbleException if it does not fit the context or the template refuses it; it then counts as not said
     */
    FinishReason say(String text, Consumer<String> heard) {
        turns.add(ChatMessage.user(text));
        try {
            return answer(heard);
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
    FinishReason regenerate(Consumer<String> heard) {
        if (turns.size() == opening.size()) {
            throw new IllegalStateException("there is no answer to give again");
        }
        ChatMessage removed = turns.remove(turns.size() - 1);
        try {
            return answer(heard);
        } catch (NibbleException | IllegalArgumentException e) {
            turns.add(removed);
            throw e;
        }
    }

    private FinishReason answer(Consumer<String> heard) {
        List<ChatMessage> messages = new ArrayList<>();
        if (system != null) {
            messages.add(ChatMessage.system(system));
        }
        messages.addAll(turns);
        try (TokenStream stream = session.chat(messages, options)) {
            for (GeneratedToken token : stream) {
                heard.accept(token.text());
            }
            Generation generation = stream.result();
            last = generation;
            turns.add(ChatMessage.assistant(generation.text()));
            return generation.finishReason();
        }
    }
}
