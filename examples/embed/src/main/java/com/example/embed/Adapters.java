package com.example.embed;

import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import java.nio.file.Path;

/** Two agents on one model, given as the first argument, each with an adapter, given as the others. */
final class Adapters {
    private Adapters() {}

    public static void main(String[] arguments) throws Exception {
        LoadOptions options = LoadOptions.DEFAULT.withAdapter(Path.of(arguments[1])).withAdapter(Path.of(arguments[2]));
        try (LanguageModel model = LanguageModel.load(Path.of(arguments[0]), options);
                Session poet = model.newSession(SessionOptions.DEFAULT.withAdapter("poet"));
                Session coder = model.newSession(SessionOptions.DEFAULT.withAdapter("coder", 0.8f))) {
            System.out.println(poet.generate("Bees").text() + coder.generate("Bees").text());
        }
    }
}
