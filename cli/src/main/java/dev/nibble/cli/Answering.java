package dev.nibble.cli;

import dev.nibble.AnswerStream;
import dev.nibble.GeneratedToken;
import dev.nibble.Generation;
import dev.nibble.TokenStream;
import dev.nibble.chat.AnswerDelta;
import dev.nibble.chat.ChatMessage;

/** An answer in a chat while it is given: all of its text, or, where there are tools, the text for the user and the calls. */
interface Answering extends AutoCloseable {
    /** Hears it to the end. */
    void hear(Conversation.Listener listener);

    /** What was generated. */
    Generation generation();

    /** What the conversation goes on with. */
    ChatMessage message();

    @Override
    void close();

    /** An answer that is text. */
    static Answering of(TokenStream tokens) {
        return new Answering() {
            @Override
            public void hear(Conversation.Listener listener) {
                for (GeneratedToken token : tokens) {
                    listener.heard(token.text());
                }
            }

            @Override
            public Generation generation() {
                return tokens.result();
            }

            @Override
            public ChatMessage message() {
                return ChatMessage.assistant(generation().text());
            }

            @Override
            public void close() {
                tokens.close();
            }
        };
    }

    /** An answer that may call tools. */
    static Answering of(AnswerStream answer) {
        return new Answering() {
            @Override
            public void hear(Conversation.Listener listener) {
                for (AnswerDelta delta : answer) {
                    if (delta.kind() == AnswerDelta.Kind.CONTENT) {
                        listener.heard(delta.text());
                    }
                }
                answer.result().toolCalls().forEach(listener::called);
            }

            @Override
            public Generation generation() {
                return answer.generation();
            }

            @Override
            public ChatMessage message() {
                return answer.result().toMessage();
            }

            @Override
            public void close() {
                answer.close();
            }
        };
    }
}
