package dev.nibble.server.work;

import dev.nibble.ChatOptions;
import dev.nibble.SourceFile;
import dev.nibble.chat.ChatMessage;
import java.util.List;

/** What a model is asked to continue. */
public sealed interface Prompt {
    /**
     * A conversation that is answered.
     *
     * @param options but for how it is generated
     */
    record Chat(List<ChatMessage> messages, ChatOptions options) implements Prompt {}

    /** A text that is continued; control tokens in it count. */
    record Text(String text) implements Prompt {}

    /** What stands between two texts. */
    record Infill(String prefix, String suffix, List<SourceFile> files) implements Prompt {}

    /** Tokens that are continued. */
    record Tokens(List<Integer> ids) implements Prompt {
        /** As an array. */
        int[] array() {
            return ids.stream().mapToInt(Integer::intValue).toArray();
        }
    }
}
