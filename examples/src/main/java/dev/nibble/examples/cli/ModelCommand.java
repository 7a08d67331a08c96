package dev.nibble.examples.cli;

import dev.nibble.GenerationOptions;
import dev.nibble.GenerationStats;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.OutOfMemoryException;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.chat.ChatTemplates;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Mixin;

/** A command that runs a model. */
abstract class ModelCommand extends CliCommand {
    /** The context of a session when nobody says otherwise: the KV cache of all a model was trained for may be huge. */
    static final int USUAL_CONTEXT = 8192;

    /** A smaller one is not worth having unless it is asked for. */
    private static final int LEAST_CONTEXT = 64;

    @Mixin
    private final ModelOptions modelOptions = new ModelOptions();

    ModelOptions modelOptions() {
        return modelOptions;
    }

    /** Loads the model with {@code base} and what the command line says. */
    LanguageModel load(Path file, LoadOptions base) throws IOException {
        LoadOptions options = modelOptions.apply(base);
        try {
            return LanguageModel.load(file, options);
        } catch (IllegalArgumentException e) {
            // The only argument that the options cannot check themselves is the backend's name.
            throw new UsageException(String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * A session of {@code model} with the context that was asked for; if none was, with the model's own up to the usual one,
     * or what memory is there for.
     */
    Session openSession(LanguageModel model) {
        int own = model.config().contextLength();
        Integer asked = modelOptions.context();
        if (asked != null) {
            if (asked > own && own > 0) {
                err().println("Note: the model was trained for " + own + " tokens, less than --ctx " + asked);
            }
            return model.newSession(SessionOptions.DEFAULT.withContextLength(asked == 0 ? own : asked));
        }
        int usual = Math.min(own, USUAL_CONTEXT);
        Session session = openFitting(model, usual);
        if (session.contextLength() == usual && own > usual) {
            err().println("Context: " + usual + " of the model's " + own + " tokens (--ctx sets it, 0 for all)");
        }
        return session;
    }

    private Session openFitting(LanguageModel model, int wanted) {
        int context = wanted;
        while (true) {
            try {
                return model.newSession(SessionOptions.DEFAULT.withContextLength(context));
            } catch (OutOfMemoryException e) {
                // A little less than would fit just now, as the virtual machine grows.
                int fits = e.fittingContext().orElse(0) / 16 * 15;
                if (fits < LEAST_CONTEXT) {
                    throw e;
                }
                context = fits;
                err().println("Note: a context of " + context + " tokens, as memory for " + wanted + " is not there ("
                        + e.facts() + ")");
            }
        }
    }

    /** Fails if the file has no chat template, or not the one asked for, before anybody types. */
    static void requireChatTemplate(LanguageModel model, Path file, GenerationOptions options) throws IOException {
        ChatTemplates templates = model.chatTemplates();
        if (templates.names().isEmpty()) {
            throw new IOException(
                    file + " has no chat template, so it is not made for chats; 'nibble run' without --chat"
                            + " continues raw prompts");
        }
        boolean tools = options.templateVariables().containsKey("tools");
        templates.get(options.templateName().orElse(templates.choose(tools)));
    }

    /** The counts and speeds of a generation in one line. */
    static String describe(GenerationStats stats) {
        return String.format(
                Locale.ROOT,
                "prompt: %d tokens%s, %.1f tokens/s; answer: %d tokens, %.1f tokens/s; first token after %.2f s",
                stats.promptTokens(),
                stats.cachedTokens() == 0 ? "" : " (" + stats.cachedTokens() + " from the cache)",
                stats.promptTokensPerSecond(),
                stats.generatedTokens(),
                stats.generationTokensPerSecond(),
                stats.timeToFirstToken().toNanos() * 1e-9);
    }
}
