package dev.nibble.testdata;

import dev.nibble.ActivationType;
import dev.nibble.EmbeddingModel;
import dev.nibble.EmbeddingOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.NibbleException;
import dev.nibble.Session;
import dev.nibble.chat.ChatMessage;
import dev.nibble.model.Model.Pooling;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/** Uses a model for all it may be good for. */
final class HostileUse {
    private static final String TEXT =
            "Hello <|im_start|>user <s> \u00fcml\u00e4ut 123\n  don't \ud83d\ude00 " + "a ".repeat(20);

    private HostileUse() {}

    /**
     * Loads a model and puts it to use, or is refused.
     *
     * @param contextLength what the generating use asks for; empty: the model's own
     * @return how often it worked
     */
    static int all(Path file, OptionalInt contextLength, ActivationType activations) throws IOException {
        LoadOptions own = LoadOptions.DEFAULT.withThreads(1).withActivations(activations);
        LoadOptions asked = contextLength.isPresent() ? own.withContextLength(contextLength.getAsInt()) : own;
        int worked = 0;
        worked += attempt(() -> generate(file, asked));
        worked += attempt(() -> embed(file, own));
        return worked;
    }

    private interface Use {
        void run() throws IOException;
    }

    /** Only an exception that is meant for what is wrong with a model may come out of its use. */
    private static int attempt(Use use) throws IOException {
        try {
            use.run();
            return 1;
        } catch (NibbleException | IllegalArgumentException e) {
            if (e.getMessage() == null || e.getMessage().isBlank()) {
                throw new AssertionError("an exception without a message", e);
            }
            return 0;
        }
    }

    /** What is wrong with a file is said with its name. */
    private static void requireName(RuntimeException e, Path file) {
        if (e.getMessage() == null || !e.getMessage().contains(String.valueOf(file.getFileName()))) {
            throw new AssertionError("the message does not name the file: " + e.getMessage(), e);
        }
    }

    static void generate(Path file, LoadOptions options) throws IOException {
        LanguageModel loaded;
        try {
            loaded = LanguageModel.load(file, options);
        } catch (NibbleException | IllegalArgumentException e) {
            requireName(e, file);
            throw e;
        }
        try (LanguageModel model = loaded) {
            tokenize(model.tokenizer());
            model.memoryPlan();
            GenerationOptions greedy = GenerationOptions.GREEDY.withMaxTokens(3).withIgnoreEndOfGeneration(true);
            try (Session session = model.newSession()) {
                if (!model.canGenerate()) {
                    session.evaluate(new int[] {1, 2, 3}, true);
                    return;
                }
                session.generate(TEXT, greedy);
                session.generate(
                        "again", GenerationOptions.DEFAULT.withMaxTokens(2).withSeed(1));
                attempt(() ->
                        session.chat(List.of(ChatMessage.user("Hi")), greedy).result());
            }
        }
    }

    static void embed(Path file, LoadOptions options) throws IOException {
        EmbeddingModel loaded;
        try {
            loaded = EmbeddingModel.load(
                    file,
                    options,
                    EmbeddingOptions.DEFAULT.withPooling(Pooling.MEAN).withNormalize(true));
        } catch (NibbleException | IllegalArgumentException e) {
            requireName(e, file);
            throw e;
        }
        try (EmbeddingModel model = loaded) {
            tokenize(model.tokenizer());
            model.embed(List.of(TEXT, "two"));
        }
    }

    private static void tokenize(Tokenizer tokenizer) {
        int[] ids = tokenizer.encode(TEXT, Tokenizer.Options.PLAIN);
        tokenizer.decode(ids);
        tokenizer.decode(tokenizer.encode(TEXT, Tokenizer.Options.PROMPT));
        for (int id = 0; id < Math.min(300, tokenizer.vocabulary().size()); id++) {
            tokenizer.bytes(id);
        }
    }
}
