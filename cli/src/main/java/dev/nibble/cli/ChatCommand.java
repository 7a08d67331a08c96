package dev.nibble.cli;

import dev.nibble.ChatOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.Session;
import dev.nibble.chat.Tool;
import dev.nibble.chat.ToolChoice;
import dev.nibble.cli.models.ResolvedModel;
import dev.nibble.constraint.Constraint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "chat",
        description = "Chats with a model; without -m with SmolLM2-135M-Instruct, which is downloaded on first use.",
        footer = {
            "",
            "At the prompt, /help lists the commands. Ctrl-C stops an answer, twice at the prompt it leaves. When the "
                    + "conversation no longer fits the context, its oldest messages are left out, which is said.",
            "",
            "When input is not from a terminal each line is a message, unless it is one of the commands, and only the "
                    + "answers go to standard output; the first message that fails ends the program.",
            "",
            "Examples:",
            "  nibble chat",
            "  nibble chat -m hf:bartowski/Qwen2.5-1.5B-Instruct-GGUF:Q4_K_M --system \"Be brief\"",
            "  nibble chat -m hf:Qwen/Qwen3-0.6B-GGUF --tools functions.json -p \"Dim the hall\"",
            "  nibble chat -m ollama:llama3.2 --temp 0.2 --ctx 16384",
            "  echo \"What is a monad?\" | nibble chat"
        })
final class ChatCommand extends ModelCommand {
    @Mixin
    private final ModelOption model = new ModelOption();

    @Parameters(
            paramLabel = "[MODEL] [MESSAGE]",
            arity = "0..*",
            hideParamSyntax = true,
            description = "The model, unless -m names it (default: SmolLM2-135M-Instruct), and a first message.")
    private List<String> arguments = List.of();

    @HelpSection(HelpSection.Heading.PROMPT)
    @Option(
            names = {"-p", "--prompt"},
            paramLabel = "TEXT",
            description = "Say this first.")
    private @Nullable String prompt;

    @Mixin
    private final SystemMessage systemMessage = new SystemMessage();

    @HelpSection(HelpSection.Heading.PROMPT)
    @Option(
            names = "--tools",
            paramLabel = "FILE",
            description = "Tools that the model may call, a JSON list of functions; calls are printed, a line each.")
    private @Nullable Path tools;

    @HelpSection(HelpSection.Heading.PROMPT)
    @Option(
            names = "--tool-choice",
            paramLabel = "HOW",
            description = "auto (default): the model decides; none; required; or the name of the tool to call.")
    private @Nullable String toolChoice;

    @Mixin
    private final ConstraintOptions constraintOptions = new ConstraintOptions();

    @Mixin
    private final SpeculationOptions speculation = new SpeculationOptions();

    @Mixin
    private final SamplingOptions sampling = new SamplingOptions();

    @Override
    void execute() throws IOException {
        PromptLine promptLine =
                new PromptLine(err(), streams().interactive() || streams().errTerminal());
        sampling.toOptions(); // what is wrong there is told before a model is got
        Constraint constraint = constraintOptions.constraint(streams().in());
        String system = systemMessage.text(streams().in());
        ModelOption.Arguments named = model.withOrWithoutModel(arguments, prompt != null);
        ResolvedModel resolved = openOrDefault(named.model());
        PackagedDefaults packaged = new PackagedDefaults(resolved.defaults());
        Path file = resolved.file();
        try (LanguageModel draft = speculation.open(this);
                LanguageModel loaded = load(resolved, packaged)) {
            GenerationOptions generation =
                    speculation.with(loaded.forChat(sampling.toOptions(packaged.options())), draft);
            ChatOptions options = withTools(sampling.toChatOptions(
                    ConstraintOptions.with(generation.withPromptProgress(promptLine), constraint)));
            packaged.notes(true, !loaded.chatTemplates().names().isEmpty())
                    .forEach(note -> err().println("Note: " + note));
            requireChatTemplate(loaded, file, options);
            try (Session session = openSession(loaded, packaged.context());
                    LineSource lines = lines()) {
                greet(file, loaded, session, generation, lines);
                Conversation conversation =
                        new Conversation(session, options, packaged.system(system), packaged.opening());
                ChatLoop loop = new ChatLoop(conversation, lines, promptLine, out(), err());
                if (prompt != null) {
                    loop.say(prompt);
                } else if (!named.texts().isEmpty()) {
                    loop.say(named.texts().get(0));
                }
                loop.run();
            }
        }
    }

    private ChatOptions withTools(ChatOptions options) throws IOException {
        if (tools == null) {
            if (toolChoice != null) {
                throw new UsageException("--tool-choice needs --tools");
            }
            return options;
        }
        ChatOptions told = options.withTools(
                ToolsFile.read(tools, streams().in()).stream().map(Tool::of).toList());
        return switch (toolChoice == null ? "auto" : toolChoice) {
            case "auto" -> told;
            case "none" -> told.withToolChoice(ToolChoice.NONE);
            case "required" -> told.withToolChoice(ToolChoice.REQUIRED);
            case String name -> told.withToolChoice(ToolChoice.named(name));
        };
    }

    private void greet(
            Path file, LanguageModel loaded, Session session, GenerationOptions generation, LineSource lines) {
        if (lines.interactive()) {
            String model = file.getFileName() + ", " + session.contextLength() + " tokens of context, "
                    + loaded.backendDescription();
            String drawn = "temperature " + generation.temperature() + ", top-p " + generation.topP()
                    + ", frequency penalty " + generation.frequencyPenalty() + " (/set shows and changes them)";
            String help = "/help lists the commands, Ctrl-C stops an answer, Ctrl-D leaves";
            err().println(WordWrap.lines(model + "\n" + drawn + "\n" + help, lines.width()));
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
