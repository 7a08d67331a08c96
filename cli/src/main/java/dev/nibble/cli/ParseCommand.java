package dev.nibble.cli;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.nibble.LanguageModel;
import dev.nibble.NibbleException;
import dev.nibble.chat.AnswerDialect;
import dev.nibble.chat.AnswerParser;
import dev.nibble.chat.ChatAnswer;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.chat.ChatTemplates;
import dev.nibble.chat.RefusedCall;
import dev.nibble.chat.ToolCall;
import dev.nibble.chat.ToolSpec;
import dev.nibble.model.ModelSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "parse",
        description = "Takes an answer of a chat model apart: content, reasoning and tool calls, as JSON.",
        footer = {
            "",
            "How the model writes them is found out from its chat template. The context is a JSON object with messages, tools, "
                    + "other variables of the template, and prefill: what the prompt says of the answer already (without it, "
                    + "the template is rendered to find out).",
            "",
            "Prints {\"content\":...,\"reasoning\":...,\"tool_calls\":[{\"name\":...,\"arguments\":{...},\"id\":...}],"
                    + "\"incomplete\":...}; id where the model gives one; incomplete is true where the text ends within a "
                    + "call. Calls that are not valid are no tool_calls but listed under refused.",
            "",
            "Examples:",
            "  nibble parse -m model.gguf --context c.json --text answer.txt",
            "  nibble parse --template template.jinja --context c.json --text - --prefixes < answer.txt"
        })
final class ParseCommand extends CliCommand {
    @Option(names = "--template", paramLabel = "T.jinja", description = "The chat template.")
    private @Nullable Path template;

    @Option(
            names = {"-m", "--model"},
            paramLabel = "MODEL",
            description = "Take the template in this model file.")
    private @Nullable String model;

    @Option(
            names = "--context",
            required = true,
            paramLabel = "C.json",
            description = "messages, tools, prefill and other variables as a JSON object.")
    @SuppressWarnings("NullAway.Init")
    private Path context;

    @Option(
            names = "--text",
            required = true,
            paramLabel = "FILE",
            description = "The answer, control tokens as their text; - for standard input.")
    @SuppressWarnings("NullAway.Init")
    private Path text;

    @Option(
            names = "--prefixes",
            description = "Print what is certain after each character, a line each; the last line is the answer.")
    private boolean prefixes;

    @Override
    void execute() throws IOException {
        if ((template == null) == (model == null)) {
            throw new UsageException("give the template with --template or the model with -m, one of them");
        }
        Map<String, Object> variables = Input.object(context, streams().in());
        List<ToolSpec> tools = ToolsFile.of(variables.get("tools"), context.toString());
        ChatTemplate parsed = ChatTemplate.parse(
                template != null
                        ? Input.text(template, streams().in())
                        : fromModel(String.valueOf(model), !tools.isEmpty()));
        AnswerParser parser = AnswerDialect.of(parsed).parser(tools, prefill(parsed, variables));
        String answer = Input.text(text, streams().in());
        int at = 0;
        while (at < answer.length()) {
            int next = prefixes ? answer.offsetByCodePoints(at, 1) : answer.length();
            parser.feed(answer.substring(at, next));
            at = next;
            if (prefixes && at < answer.length()) {
                out().println(json(parser.answer()));
            }
        }
        parser.finish();
        out().println(json(parser.answer()));
    }

    private String fromModel(String locator, boolean tools) throws IOException {
        try (ModelSource source = LanguageModel.open(resolve(locator))) {
            ChatTemplates templates = TemplateCommand.templates(source);
            return templates.source(templates.choose(tools));
        }
    }

    private static String prefill(ChatTemplate template, Map<String, Object> variables) {
        if (variables.remove("prefill") instanceof String given) {
            return given;
        }
        if (!(variables.get("messages") instanceof List)) {
            return "";
        }
        try {
            variables.put("add_generation_prompt", true);
            String asked = template.render(variables);
            variables.put("add_generation_prompt", false);
            String bare = template.render(variables);
            return asked.startsWith(bare) ? asked.substring(bare.length()) : "";
        } catch (NibbleException e) {
            throw new NibbleException(
                    "the context has no prefill, and the template cannot tell it: " + e.getMessage(), e);
        }
    }

    private static String json(ChatAnswer answer) throws IOException {
        List<Object> calls = new ArrayList<>();
        for (ToolCall call : answer.toolCalls()) {
            calls.add(ToolsFile.fields(call));
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("content", answer.content());
        fields.put("reasoning", answer.reasoning());
        fields.put("tool_calls", calls);
        fields.put("incomplete", !answer.isComplete());
        if (!answer.refusedCalls().isEmpty()) {
            List<Object> refused = new ArrayList<>();
            for (RefusedCall call : answer.refusedCalls()) {
                refused.add(Map.of("name", call.name(), "reason", call.reason()));
            }
            fields.put("refused", refused);
        }
        return JSON.std.asString(fields);
    }
}
