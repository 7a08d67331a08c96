package dev.nibble.cli;

import dev.nibble.LanguageModel;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.chat.ChatTemplates;
import dev.nibble.model.ModelSource;
import dev.nibble.tokenizer.Tokenizers;
import dev.nibble.tokenizer.Vocabulary;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeParseException;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "template",
        description = "Renders a chat template and prints the prompt exactly, with no newline added.",
        footer = {
            "",
            "The context is a JSON object with the template's variables: messages, add_generation_prompt, tools ... "
                    + "With -m the template is the one in the model file, and bos_token and eos_token are the model's own unless "
                    + "the context has them.",
            "",
            "Examples:",
            "  echo '{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"add_generation_prompt\":true}' > c.json",
            "  nibble template -m model.gguf --context c.json",
            "  nibble template -m model.gguf --name tool_use --context c.json",
            "  nibble template --file template.jinja --context c.json --now 2025-01-02T03:04:05"
        })
final class TemplateCommand extends CliCommand {
    @Option(names = "--file", paramLabel = "T.jinja", description = "The template, - for standard input.")
    private @Nullable Path file;

    @Option(
            names = {"-m", "--model"},
            paramLabel = "MODEL",
            description = "Take the template in this model file.")
    private @Nullable String model;

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description =
                    "Which of the model's templates (default: tool_use with tools if there is one, else default).")
    private @Nullable String name;

    @Option(
            names = "--context",
            required = true,
            paramLabel = "C.json",
            description = "The variables as a JSON object, - for standard input.")
    @SuppressWarnings("NullAway.Init")
    private Path context;

    @Option(names = "--now", paramLabel = "TIME", description = "What strftime_now shows, as 2025-01-02T03:04:05.")
    private @Nullable String now;

    @Override
    void execute() throws IOException {
        if ((file == null) == (model == null)) {
            throw new UsageException("give the template with --file or the model with -m, one of them");
        }
        if (name != null && model == null) {
            throw new UsageException("--name chooses among the templates of a model, given with -m");
        }
        LocalDateTime time = time();
        Map<String, Object> variables = Input.object(context, streams().in());
        String source = file != null ? Input.text(file, streams().in()) : fromModel(String.valueOf(model), variables);
        out().print(ChatTemplate.parse(source).render(variables, time));
    }

    private String fromModel(String locator, Map<String, Object> variables) throws IOException {
        try (ModelSource source = LanguageModel.open(resolve(locator))) {
            ChatTemplates templates = templates(source);
            String chosen = name != null ? name : templates.choose(variables.get("tools") != null);
            Vocabulary vocabulary = Tokenizers.from(source.metadata()).vocabulary();
            putToken(variables, "bos_token", vocabulary, vocabulary.bosId());
            putToken(variables, "eos_token", vocabulary, vocabulary.eosId());
            return templates.source(chosen);
        }
    }

    /** The templates of a file that has some. */
    static ChatTemplates templates(ModelSource source) throws IOException {
        ChatTemplates templates = ChatTemplates.from(source.metadata());
        if (templates.names().isEmpty()) {
            throw new IOException(source.name() + ": the file has no chat template");
        }
        return templates;
    }

    private static void putToken(Map<String, Object> variables, String name, Vocabulary vocabulary, OptionalInt id) {
        if (id.isPresent()) {
            variables.putIfAbsent(name, vocabulary.text(id.getAsInt()));
        }
    }

    private LocalDateTime time() {
        if (now == null) {
            return LocalDateTime.now(java.time.ZoneId.systemDefault());
        }
        try {
            return LocalDateTime.parse(now.replace(' ', 'T'));
        } catch (DateTimeParseException e) {
            throw new UsageException("--now takes a time as 2025-01-02T03:04:05, not '" + now + "'", e);
        }
    }
}
