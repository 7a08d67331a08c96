package com.example.embed;

import dev.nibble.GeneratedToken;
import dev.nibble.LanguageModel;
import dev.nibble.Session;
import java.nio.file.Path;

/** Continues a text with the model given as the argument. */
final class Embed {
    private Embed() {}

    public static void main(String[] arguments) throws Exception {
        try (LanguageModel model = LanguageModel.load(Path.of(arguments[0]));
                Session session = model.newSession()) {
            for (GeneratedToken token : session.stream("The capital of France is")) {
                System.out.print(token.text());
            }
        }
        System.out.println();
    }
}
