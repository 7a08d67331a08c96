package com.example.embed;

import dev.nibble.GeneratedToken;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.Session;
import dev.nibble.chat.ChatMessage;
import java.nio.file.Path;
import java.util.List;

/** Options, results and chat, with the instruction-tuned model given as the argument. */
final class Conversation {
    private Conversation() {}

    public static void main(String[] arguments) throws Exception {
        try (LanguageModel model = LanguageModel.load(Path.of(arguments[0]))) {
            try (Session session = model.newSession()) {
                tell(session);
            }
            try (Session session = model.newSession()) {
                ask(session);
            }
        }
    }

    private static void tell(Session session) {
        GenerationOptions options = GenerationOptions.DEFAULT
                .withMaxTokens(200)
                .withTemperature(0.7f)
                .withSeed(42);
        Generation story = session.generate("Once upon a time", options);
        System.out.println(story.text() + " [" + story.finishReason() + "]");
    }

    private static void ask(Session session) {
        List<ChatMessage> messages = List.of(
                ChatMessage.system("Answer in one sentence."),
                ChatMessage.user("What is a nibble?"));
        for (GeneratedToken token : session.chat(messages)) {
            System.out.print(token.text());
        }
        System.out.println();
    }
}
