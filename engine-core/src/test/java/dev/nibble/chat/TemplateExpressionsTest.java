package dev.nibble.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.nibble.ChatTemplateException;
import dev.nibble.UnsupportedChatTemplateException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Some 800 small templates and what Python made of them; make-expressions.py, beside the table, wrote it. */
class TemplateExpressionsTest {
    private static final LocalDateTime NOW = LocalDateTime.of(2025, 1, 2, 3, 4, 5, 678_901_000);
    private static final String[] LINES = lines();
    private static final Map<String, Object> CONTEXT =
            object(object(JsonReader.read(LINES[0])).get("context"));

    static Stream<String> cases() {
        return Stream.of(LINES).skip(1);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void rendersAsPythonDoes(String line) {
        Map<String, Object> testCase = object(JsonReader.read(line));
        String template = (String) Objects.requireNonNull(testCase.get("template"));
        String fails = (String) testCase.get("fails");
        if (fails == null) {
            assertThat(ChatTemplate.parse(template).render(CONTEXT, NOW)).isEqualTo(testCase.get("expected"));
            return;
        }
        Throwable thrown = catchThrowable(() -> ChatTemplate.parse(template).render(CONTEXT, NOW));
        if (isUnknown(fails)) {
            assertThat(thrown)
                    .isExactlyInstanceOf(UnsupportedChatTemplateException.class)
                    .hasMessageStartingWith("chat template, line 1: the ")
                    .hasMessageEndingWith(" is not supported");
        } else if (fails.startsWith("TemplateError: ")) {
            assertThat(thrown)
                    .isExactlyInstanceOf(ChatTemplateException.class)
                    .hasMessage(fails.substring("TemplateError: ".length()));
        } else {
            assertThat(thrown)
                    .isExactlyInstanceOf(ChatTemplateException.class)
                    .hasMessageStartingWith("chat template, line 1: ");
        }
    }

    private static boolean isUnknown(String fails) {
        return fails.equals("not supported")
                || fails.contains("No filter named")
                || fails.contains("No test named")
                || fails.contains("no loader")
                || fails.contains("unknown tag") && !fails.contains("'end") && !fails.contains("'else'");
    }

    private static String[] lines() {
        try (InputStream table = TemplateExpressionsTest.class.getResourceAsStream("expressions.jsonl")) {
            return new String(Objects.requireNonNull(table).readAllBytes(), StandardCharsets.UTF_8).split("\n");
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(@Nullable Object value) {
        return (Map<String, Object>) Objects.requireNonNull(value);
    }
}
