package dev.nibble.examples;

import dev.nibble.GeneratedToken;
import dev.nibble.Generation;
import dev.nibble.LanguageModel;
import dev.nibble.Session;
import dev.nibble.TokenStream;
import dev.nibble.chat.ChatMessage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A conversation in the terminal with the instruction-tuned model given as the argument; an empty line ends it.
 *
 * <p>The whole conversation is handed over each time. The session keeps what it has evaluated, so only what is new costs
 * time.
 */
public final class TerminalChat {
    private TerminalChat() {}

    /** {@code TerminalChat MODEL}. */
    public static void main(String[] arguments) throws IOException {
        try (LanguageModel model = LanguageModel.load(Path.of(arguments[0]));
                Session session = model.newSession()) {
            chat(session, new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)), System.out);
        }
    }

    static void chat(Session session, BufferedReader in, PrintStream out) throws IOException {
        List<ChatMessage> conversation = new ArrayList<>();
        conversation.add(ChatMessage.system("You are a helpful assistant. Answer briefly."));
        while (true) {
            out.print("> ");
            out.flush();
            String line = in.readLine();
            if (line == null || line.isBlank()) {
                return;
            }
            conversation.add(ChatMessage.user(line));
            try (TokenStream answer = session.chat(conversation)) {
                for (GeneratedToken token : answer) {
                    out.print(token.text());
                    out.flush();
                }
                Generation whole = answer.result();
                out.println();
                conversation.add(ChatMessage.assistant(whole.text()));
            }
        }
    }
}
