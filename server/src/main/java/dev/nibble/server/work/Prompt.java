package dev.nibble.server.work;

import dev.nibble.ChatOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.SourceFile;
import dev.nibble.chat.ChatMessage;
import dev.nibble.server.http.RequestException;
import dev.nibble.tokenizer.Tokenizer;
import java.util.List;
import java.util.stream.IntStream;

/** What a model is asked to continue. */
public sealed interface Prompt {
    /**
     * A conversation that is answered.
     *
     * @param options but for how it is generated
     */
    record Chat(List<ChatMessage> messages, ChatOptions options) implements Prompt {
        /**
         * A conversation; if its last message is one of the model, that is an answer that was begun and is to be continued.
         *
         * @throws RequestException if two messages of the model are last, or a constraint asks for the form of the whole answer
         */
        public static Chat of(List<ChatMessage> messages, ChatOptions options, GenerationOptions generation) {
            int last = messages.size() - 1;
            if (last < 1 || !isText(messages.get(last))) {
                return new Chat(messages, options);
            }
            if (messages.get(last - 1).role().equals("assistant")) {
                throw RequestException.invalid(
                        "messages", "'messages' ends with two messages of the assistant; one can be continued");
            }
            if (generation.constraint().isPresent()) {
                throw RequestException.invalid(
                        "messages",
                        "'messages' ends with an answer to continue, whose form cannot be constrained; leave out the"
                                + " constraint or the answer");
            }
            return new Chat(
                    List.copyOf(messages.subList(0, last)),
                    options.withAnswerBeginning(messages.get(last).content()));
        }

        private static boolean isText(ChatMessage message) {
            return message.role().equals("assistant")
                    && !message.content().isEmpty()
                    && !message.fields().containsKey("tool_calls");
        }
    }

    /** A text that is continued; control tokens in it count. */
    record Text(String text) implements Prompt {}

    /** What stands between two texts. */
    record Infill(String prefix, String suffix, List<SourceFile> files) implements Prompt {}

    /**
     * Texts and tokens in turn.
     *
     * @param parts each a String or an Integer
     */
    record Mixed(List<Object> parts) implements Prompt {}

    /** The tokens of a prompt that is no conversation: what a model adds to a text is added to one at the beginning. */
    static int[] encode(Prompt prompt, Tokenizer tokenizer) {
        return switch (prompt) {
            case Text text -> tokenizer.encode(text.text(), Tokenizer.Options.PROMPT);
            case Tokens tokens -> tokens.array();
            case Mixed mixed -> {
                IntStream.Builder ids = IntStream.builder();
                boolean first = true;
                for (Object part : mixed.parts()) {
                    if (part instanceof Integer id) {
                        ids.add(id);
                    } else {
                        Tokenizer.Options how = first ? Tokenizer.Options.PROMPT : Tokenizer.Options.TEMPLATE;
                        IntStream.of(tokenizer.encode(String.valueOf(part), how))
                                .forEach(ids::add);
                    }
                    first = false;
                }
                yield ids.build().toArray();
            }
            case Chat _, Infill _ -> throw new IllegalArgumentException("neither a text nor tokens");
        };
    }

    /** Tokens that are continued. */
    record Tokens(List<Integer> ids) implements Prompt {
        /** As an array. */
        int[] array() {
            return ids.stream().mapToInt(Integer::intValue).toArray();
        }
    }
}
