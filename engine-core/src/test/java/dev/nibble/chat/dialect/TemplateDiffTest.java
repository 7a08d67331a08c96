package dev.nibble.chat.dialect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ConformanceData;
import dev.nibble.chat.ChatTemplate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@SuppressWarnings("StringConcatToTextBlock") // the line ends are part of what is tested
class TemplateDiffTest {
    private static final String TURN = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
            + "{% for c in m.tool_calls or [] %}CALL{% endfor %}<|end|>{% endfor %}";

    /** Calls as unknown templates may write them; what is found has read them back. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "<!call!>{{ {'tool': c.function.name, 'input': c.function.arguments} | tojson }}<!end!>",
                "<!call {{ c.function.name }}!>\n{{ c.function.arguments | tojson }}\n<!end!>",
                "<!call {{ c.function.name }}!>{% for k, v in c.function.arguments.items() %}\n"
                        + "<arg {{ k }}>\n{{ v }}\n</arg>{% endfor %}\n<!end!>\n",
                "{{ '[' if loop.first else ', ' }}{{ {'name': c.function.name, 'args': c.function.arguments} | tojson }}"
                        + "{{ ']' if loop.last }}",
                "{{ '<!calls!>' if loop.first }}<!call!>{{ c.function.name }}<!with!>{{ c.function.arguments | tojson }}"
                        + "<!end!>{{ '<!done!>' if loop.last }}"
            })
    void callsOfUnknownTemplatesAreFound(String call) {
        Optional<Dialect> dialect = found(TURN.replace("CALL", call));
        assertThat(dialect).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", // no calls at all
                "<!{{ c.function.name }}!>", // no arguments
                "{{ c.function.name }} {{ c.function.arguments | tojson }}", // no mark
                "<!call {{ c.function.name }}!>{% for k, v in c.function.arguments.items() %}{{ k }}{{ v }}{% endfor %}<!end!>",
                // the mark of a parameter begins as what ends the call
                "<!call {{ c.function.name }}!>{% for k, v in c.function.arguments.items() %}\n"
                        + "<!{{ k }}!>\n{{ v }}\n<!/!>{% endfor %}\n<!end!>\n"
            })
    void whatCannotBeToldIsNotGuessed(String call) {
        assertThat(found(TURN.replace("CALL", call))).isEmpty();
    }

    @Test
    void templatesOfKnownDialectsAreMostlyFoundWithoutTheirRules() throws IOException {
        List<String> found = new ArrayList<>();
        List<String> others = new ArrayList<>();
        Path folder = ConformanceData.require("chat-templates");
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.filter(path -> path.toString().endsWith(".jinja"))
                    .sorted()
                    .toList()) {
                (found(Files.readString(file)).isPresent() ? found : others)
                        .add(file.getFileName().toString());
            }
        }
        System.out.println("calls found by rendering: " + found + "\nnot found: " + others);
        assertThat(found).hasSizeGreaterThan(12);
    }

    private static Optional<Dialect> found(String source) {
        ChatTemplate template = ChatTemplate.parse(source);
        return TemplateDiff.of(variables -> template.render(variables));
    }
}
