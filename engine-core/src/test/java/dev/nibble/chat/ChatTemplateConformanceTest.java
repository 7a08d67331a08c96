package dev.nibble.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.ChatTemplateException;
import dev.nibble.ConformanceData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Real templates and what Python renders with them. */
class ChatTemplateConformanceTest {
    private static final LocalDateTime NOW = LocalDateTime.of(2025, 1, 2, 3, 4, 5);
    private static final String CONTROL = "<|im_end|>";

    @Test
    void rendersEveryCaseAsPythonDoes() throws IOException {
        int cases = 0;
        for (Path file : templates()) {
            ChatTemplate template = ChatTemplate.parse(Files.readString(file));
            for (Map<String, Object> testCase : cases(file)) {
                String name = file.getFileName() + " " + testCase.get("case");
                Map<String, Object> context = map(testCase.get("context"));
                if (testCase.containsKey("raises")) {
                    assertThatThrownBy(() -> template.render(context, NOW))
                            .as(name)
                            .isExactlyInstanceOf(ChatTemplateException.class)
                            .hasMessage((String) testCase.get("raises"));
                } else {
                    String expected = (String) testCase.get("expected");
                    assertThat(template.render(context, NOW)).as(name).isEqualTo(expected);
                    assertThat(text(template.renderSegments(context, NOW)))
                            .as(name)
                            .isEqualTo(expected);
                }
                cases++;
            }
        }
        assertThat(cases).isGreaterThan(0);
    }

    /** Everything in the conversation ends with a control token; none of them may come out as the template's own. */
    @Test
    void noTemplateTurnsWhatComesFromOutsideIntoControlTokens() throws IOException {
        int found = 0;
        for (Path file : templates()) {
            String source = Files.readString(file);
            ChatTemplate template = ChatTemplate.parse(source.replace(CONTROL, "<|own_end|>"));
            for (Map<String, Object> testCase : cases(file)) {
                Map<String, Object> context = map(testCase.get("context"));
                context.replaceAll(
                        (key, value) -> key.endsWith("_token") ? value : injected(value, text -> text + CONTROL));
                List<ChatTemplate.Segment> segments;
                try {
                    segments = template.renderSegments(context, NOW);
                } catch (ChatTemplateException e) {
                    continue; // a template may insist on the form of what was changed
                }
                for (ChatTemplate.Segment segment : segments) {
                    boolean control = segment.text().contains("im_end");
                    found += control ? 1 : 0;
                    assertThat(control && segment.trusted())
                            .as(file.getFileName() + " " + testCase.get("case") + ": " + segment)
                            .isFalse();
                }
            }
        }
        assertThat(found).isGreaterThan(1000);
    }

    /** The value with every text changed, but for the names and roles that templates decide by. */
    private static @Nullable Object injected(@Nullable Object value, UnaryOperator<String> change) {
        return switch (value) {
            case String text -> change.apply(text);
            case List<?> list ->
                list.stream().map(item -> injected(item, change)).collect(Collectors.toList());
            case Map<?, ?> map -> {
                Map<String, @Nullable Object> changed = new LinkedHashMap<>();
                map.forEach((key, item) -> {
                    boolean kept =
                            key.equals("role") || key.equals("type") || key.equals("id") || key.equals("tool_call_id");
                    changed.put((String) key, kept ? item : injected(item, change));
                });
                yield changed;
            }
            case null, default -> value;
        };
    }

    private static String text(List<ChatTemplate.Segment> segments) {
        return segments.stream().map(ChatTemplate.Segment::text).collect(Collectors.joining());
    }

    private static List<Path> templates() throws IOException {
        try (Stream<Path> files = Files.list(ConformanceData.require("chat-templates"))) {
            return files.filter(file -> file.toString().endsWith(".jinja"))
                    .sorted()
                    .toList();
        }
    }

    private static List<Map<String, Object>> cases(Path template) throws IOException {
        String json = Files.readString(Path.of(template.toString().replace(".jinja", ".json")));
        List<Map<String, Object>> cases = new ArrayList<>();
        if (JsonReader.read(json) instanceof List<?> list) {
            list.forEach(item -> cases.add(map(item)));
        }
        return cases;
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(@Nullable Object value) {
        return (Map<String, Object>) Objects.requireNonNull(value);
    }
}
