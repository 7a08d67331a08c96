package dev.nibble.examples.cli;

import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.Session;
import dev.nibble.examples.models.ModelDefaults;
import dev.nibble.examples.models.ResolvedModel;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "chat",
        description = "Chats with a model; without -m with SmolLM2-135M-Instruct, which is downloaded on first use.",
        footer = {
            "",
            "At the prompt, /help lists the commands. Ctrl-C stops an answer, twice at the prompt it leaves. When input is",
            "not from a terminal each line is a message, and only the answers go to standard output.",
            "",
            "Examples:",
            "  nibble chat",
            "  nibble chat -m hf:bartowski/Qwen2.5-1.5B-Instruct-GGUF:Q4_K_M --system \"Be brief\"",
            "  nibble chat -m ollama:llama3.2 --temp 0.2 --ctx 16384",
            "  echo \"What is a monad?\" | nibble chat"
        })
final class ChatCommand extends ModelCommand {
    @Option(
            names = {"-m", "--model"},
            paramLabel = "MODEL",
            description = "A path, hf:org/repo[:quant], ollama:name[:tag], or pypi:package.")
    private @Nullable String model;

    @Option(names = "--system", paramLabel = "TEXT", description = "The system message.")
    private @Nullable String system;

    @Mixin
    private final SamplingOptions sampling = new SamplingOptions();

    @Override
    void execute() throws IOException {
        sampling.toOptions(); // what is wrong there is told before a model is got
        ResolvedModel resolved =
                model == null ? new ResolvedModel(resolver().resolveDefault(), ModelDefaults.NONE) : open(model);
        PackagedDefaults packaged = new PackagedDefaults(resolved.defaults());
        GenerationOptions options = sampling.toOptions(packaged.options());
        Path file = resolved.file();
        try (LanguageModel loaded = load(file, packaged)) {
            packaged.notes(true, !loaded.chatTemplates().names().isEmpty())
                    .forEach(note -> err().println("Note: " + note));
            requireChatTemplate(loaded, file, options);
            try (Session session = loaded.newSession(sessionOptions(loaded, packaged.context()));
                    LineSource lines = lines()) {
                greet(file, loaded, session);
                new ChatLoop(
                                new Conversation(session, options, packaged.system(system), packaged.opening()),
                                lines,
                                out(),
                                err())
                        .run();
            }
        }
    }

    private void greet(Path file, LanguageModel loaded, Session session) {
        if (streams().interactive()) {
            err().println(file.getFileName() + ", " + session.contextLength() + " tokens of context, "
                    + loaded.backendDescription());
            err().println("/help lists the commands, Ctrl-C stops an answer, Ctrl-D leaves");
        }
    }

    /** Without a home folder there is no place for it. */
    private @Nullable Path history() {
        return streams()
                .environment()
                .findCache()
                .map(cache -> cache.resolve("chat-history"))
                .orElse(null);
    }

    private LineSource lines() throws IOException {
        return streams().interactive()
                ? new EditedLines(history(), ChatLoop.COMMANDS)
                : new PipedLines(streams().in());
    }
}
