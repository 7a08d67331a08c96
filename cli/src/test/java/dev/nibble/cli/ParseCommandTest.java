package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParseCommandTest {
    private static final String TOOL = """
            {"type": "function", "function": {"name": "light", "parameters": {"type": "object",
              "properties": {"room": {"type": "string"}}, "required": ["room"]}}}""";
    private static final String ANSWER = "why</think>On.<tool_call>\n"
            + "{\"name\": \"light\", \"arguments\": {\"room\": \"hall ü\"}}\n</tool_call>";

    @TempDir
    private Path folder;

    private String template = "";
    private String context = "";

    @BeforeEach
    void files() throws IOException {
        template = write(
                "t.jinja",
                "{% for m in messages %}{{ m.content }}{% endfor %}{# <tool_call> #}"
                        + "{% if add_generation_prompt %}<think>{% endif %}");
        context = write(
                "c.json", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"tools\": [" + TOOL + "]}");
    }

    @Test
    void anAnswerIsPrintedInItsParts() throws IOException {
        String call = "{\"name\":\"light\",\"arguments\":{\"room\":\"hall ü\"}}";
        assertThat(parse(ANSWER).out().strip())
                .isEqualTo("{\"content\":\"On.\",\"reasoning\":\"why\",\"tool_calls\":[" + call
                        + "],\"incomplete\":false}");
        assertThat(parse(ANSWER.substring(0, ANSWER.length() - 1)).out().strip())
                .isEqualTo("{\"content\":\"On.\",\"reasoning\":\"why\",\"tool_calls\":[],\"incomplete\":true}");
        assertThat(parse(ANSWER.replace("room", "place")).out())
                .contains("\"tool_calls\":[],\"incomplete\":false,\"refused\":[{")
                .contains("the required argument room is missing");
    }

    @Test
    void thePrefillOfTheContextCountsIfItIsThere() throws IOException {
        context = write("p.json", "{\"messages\": [], \"prefill\": \"\"}");
        assertThat(parse("On.").out().strip())
                .isEqualTo("{\"content\":\"On.\",\"reasoning\":\"\",\"tool_calls\":[],\"incomplete\":false}");
    }

    @Test
    void everyPrefixHasALine() throws IOException {
        List<String> lines = parse(ANSWER, "--prefixes").out().lines().toList();
        assertThat(lines).hasSize(ANSWER.codePointCount(0, ANSWER.length()));
        assertThat(lines.get(1)).contains("\"reasoning\":\"wh\"");
        assertThat(lines.get(ANSWER.indexOf("<tool_call>") + 5))
                .contains("\"content\":\"On.\"")
                .contains("false}");
        assertThat(lines.get(ANSWER.length() - 2)).contains("\"tool_calls\":[],\"incomplete\":true");
        assertThat(lines.getLast()).contains("\"name\":\"light\"");
    }

    @Test
    void toolsOfATemplateThatTellsNothingOfCallsAreRefused() throws IOException {
        template = write("other.jinja", "{% for m in messages %}{{ m.content }}{% endfor %}");
        CommandRunner.Result result = parse("On.");
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.err()).contains("the chat template does not tell how the model calls tools");
    }

    private CommandRunner.Result parse(String answer, String... more) throws IOException {
        String text = write("answer.txt", answer);
        String[] arguments = {"parse", "--template", template, "--context", context, "--text", text};
        String[] all = Arrays.copyOf(arguments, arguments.length + more.length);
        System.arraycopy(more, 0, all, arguments.length, more.length);
        return new CommandRunner(folder).run(all);
    }

    private String write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text).toString();
    }
}
