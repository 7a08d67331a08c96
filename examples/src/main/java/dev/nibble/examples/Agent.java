package dev.nibble.examples;

import dev.nibble.ChatOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.Session;
import dev.nibble.ToolLoop;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.chat.Tool;
import dev.nibble.chat.ToolCall;
import dev.nibble.constraint.Size;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Year;
import java.time.ZoneOffset;
import java.util.List;

/** Answers a question with two tools: a calculator and a calendar. */
public final class Agent {
    /** For models whose own template knows of no tools. */
    private static final ChatTemplate CHAT_ML_WITH_TOOLS = ChatTemplate.parse("""
            <|im_start|>system
            Use a tool where it helps: {{ tools | tojson }}
            Call one so: <tool_call>
            {"name": "...", "arguments": {...}}
            </tool_call><|im_end|>
            {% for m in messages %}<|im_start|>{{ m.role }}
            {{ m.content }}{% for c in m.tool_calls or [] %}
            <tool_call>
            {{ {"name": c.function.name, "arguments": c.function.arguments} | tojson }}
            </tool_call>{% endfor %}<|im_end|>
            {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
            {% endif %}""");

    /** What is multiplied. */
    public record Factors(int first, int second) {}

    /** What is asked of the calendar. */
    public record Event(@Size(max = 30) String name) {}

    private Agent() {}

    /** How the conversation went; the model decides, or has to call a tool first. */
    public static ToolLoop.Result ask(Session session, String question, ChatOptions options) {
        ChatOptions withTools = options.withTemplate(CHAT_ML_WITH_TOOLS)
                .withTools(
                        Tool.of("multiply", "Multiplies", Factors.class, f -> (long) f.first() * f.second()),
                        Tool.of(
                                "year",
                                "Year of an event",
                                Event.class,
                                event -> Year.now(ZoneOffset.UTC).getValue()));
        ToolLoop.Listener listener = new ToolLoop.Listener() {
            @Override
            public void gave(ToolCall call, String result) {
                System.out.println(call + " -> " + result);
            }
        };
        return new ToolLoop(session, withTools)
                .withListener(listener)
                .withMaxSteps(2)
                .run(List.of(ChatMessage.user(question)));
    }

    /** Takes a model file and a question. */
    public static void main(String... arguments) throws IOException {
        ChatOptions options = ChatOptions.DEFAULT.withGeneration(GenerationOptions.GREEDY.withMaxTokens(200));
        try (LanguageModel model = LanguageModel.load(Path.of(arguments[0]));
                Session session = model.newSession()) {
            System.out.println(ask(session, arguments[1], options).answer().content());
        }
    }
}
