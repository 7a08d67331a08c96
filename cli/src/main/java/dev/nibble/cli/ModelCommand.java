package dev.nibble.cli;

import dev.nibble.ChatOptions;
import dev.nibble.FinishReason;
import dev.nibble.GenerationStats;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.OutOfMemoryException;
import dev.nibble.Session;
import dev.nibble.SessionOptions;
import dev.nibble.chat.ChatTemplates;
import dev.nibble.cli.models.ResolvedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;

/** A command that runs a model. */
abstract class ModelCommand extends CliCommand {
    /** The context of a session when nobody says otherwise: the KV cache of all a model was trained for may be huge. */
    static final int USUAL_CONTEXT = 8192;

    /** A smaller one is not worth having unless it is asked for. */
    static final int LEAST_CONTEXT = 64;

    @Mixin
    private final ModelOptions modelOptions = new ModelOptions();

    ModelOptions modelOptions() {
        return modelOptions;
    }

    /** Loads the model with {@code base} and what the command line says. */
    final LanguageModel load(ResolvedModel model, LoadOptions base) throws IOException {
        return load(model, UnaryOperator.identity(), base);
    }

    /** Likewise, but for {@code last}, which has the last word on the options. */
    final LanguageModel load(ResolvedModel model, UnaryOperator<LoadOptions> last, LoadOptions base)
            throws IOException {
        return load(model, last, base, LanguageModel::load, LanguageModel::backendDescription);
    }

    /** Loads a model of some kind. */
    @FunctionalInterface
    interface Loading<M> {
        M load(Path file, LoadOptions options) throws IOException;
    }

    /**
     * Likewise a model of any kind.
     *
     * @param backend says what runs it
     */
    final <M> M load(
            ResolvedModel model,
            UnaryOperator<LoadOptions> last,
            LoadOptions base,
            Loading<M> loading,
            Function<M, String> backend)
            throws IOException {
        LoadOptions options = last.apply(modelOptions.apply(model.onto(base)));
        try {
            M loaded = loading.load(model.file(), options);
            if (!model.adapters().isEmpty()) {
                err().println("Note: the model comes with " + model.adapters().size()
                        + " LoRA adapter(s), which are applied");
            }
            noteWithoutEffect(backend.apply(loaded));
            return loaded;
        } catch (IllegalArgumentException e) {
            // What the options cannot check themselves: the backend's name, a context larger than the model's, and
            // system
            // properties that force kernels.
            throw new UsageException(String.valueOf(e.getMessage()), e);
        }
    }

    /** Says which options change nothing, or not for the better. */
    private void noteWithoutEffect(String backend) {
        Integer layers = modelOptions.gpuLayers();
        if (layers != null && layers > 0 && backend.startsWith("cpu")) {
            err().println("Note: --gpu-layers " + layers + " has no effect: the model runs on the CPU"
                    + " (nibble devices says why)");
        }
        int processors = Runtime.getRuntime().availableProcessors();
        if (modelOptions.threads() > processors) {
            err().println("Note: " + modelOptions.threads() + " threads on " + processors
                    + " processors are slower than " + processors);
        }
    }

    /**
     * A session of {@code model} with the context that was asked for; if none was, with the model's own up to the usual one,
     * or what memory is there for.
     */
    Session openSession(LanguageModel model) {
        return openSession(model, null);
    }

    /** As {@link #openSession(LanguageModel)}; a context that the model comes with counts as asked for. */
    Session openSession(LanguageModel model, @Nullable Integer packaged) {
        int own = model.config().contextLength();
        Integer asked = modelOptions.context() == null ? packaged : modelOptions.context();
        if (asked != null) {
            if (asked > own && own > 0) {
                err().println("Note: the model was trained for " + own + " tokens, less than the context of " + asked);
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

    /** Loads the model of the locator's file with the context it comes with, if none is asked for. */
    LanguageModel load(ResolvedModel model, PackagedDefaults packaged) throws IOException {
        Integer context = packaged.context();
        return load(model, context == null ? LoadOptions.DEFAULT : LoadOptions.DEFAULT.withContextLength(context));
    }

    /** Fails if the file has no chat template, or not the one asked for, before anybody types. */
    static void requireChatTemplate(LanguageModel model, Path file, ChatOptions options) throws IOException {
        ChatTemplates templates = model.chatTemplates();
        if (templates.names().isEmpty()) {
            throw new IOException(
                    file + " has no chat template, so it is not made for chats; 'nibble run' without --chat"
                            + " continues raw prompts");
        }
        boolean tools = options.templateVariables().containsKey("tools");
        templates.get(options.templateName().orElse(templates.choose(tools)));
    }

    /** What ended a generation, for a sentence. */
    static String describe(FinishReason reason) {
        return switch (reason) {
            case STOP_TOKEN -> "the model";
            case STOP_STRING -> "a stop text (--stop)";
            case MAX_TOKENS -> "the number of tokens asked for (-n)";
            case CONTEXT_FULL -> "the full context (--ctx)";
            case CANCELLED -> "an interruption";
        };
    }

    /** The counts and speeds of a generation in one line. */
    static String describe(GenerationStats stats) {
        return String.format(
                Locale.ROOT,
                "prompt: %d tokens%s, %.1f tokens/s; answer: %d tokens%s, %.1f tokens/s; first token after %.2f s",
                stats.promptTokens(),
                stats.cachedTokens() == 0 ? "" : " (" + stats.cachedTokens() + " from the cache)",
                stats.promptTokensPerSecond(),
                stats.generatedTokens(),
                stats.draftedTokens() == 0
                        ? ""
                        : " (" + stats.acceptedTokens() + " of " + stats.draftedTokens() + " guessed ones right)",
                stats.generationTokensPerSecond(),
                stats.timeToFirstToken().toNanos() * 1e-9);
    }
}
