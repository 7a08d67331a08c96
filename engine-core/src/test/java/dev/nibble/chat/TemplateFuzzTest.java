package dev.nibble.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.nibble.NibbleException;
import dev.nibble.chat.ChatTemplate.Segment;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Templates made by cutting up and mixing the table of expressions. Whatever comes out, parsing and rendering end in text or in
 * an exception of this library, soon. {@code -Dnibble.fuzz.seconds=600} runs it for longer, {@code -Dnibble.fuzz.seed=N} starts
 * elsewhere.
 */
class TemplateFuzzTest {
    private static final LocalDateTime NOW = LocalDateTime.of(2025, 1, 2, 3, 4, 5);
    private static final long SEED = Long.getLong("nibble.fuzz.seed", 20250102);
    private static final Duration LENGTH = Duration.ofSeconds(Integer.getInteger("nibble.fuzz.seconds", 2));
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String[] PIECES = {
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "-",
        "+",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "|",
        "~",
        "'",
        "\"",
        "\\",
        ".",
        ",",
        ":",
        "=",
        " if ",
        " else ",
        " for x in ",
        " in ",
        " is ",
        " not ",
        " and ",
        "{% set ns.x = ",
        "{% endfor %}",
        "{% endif %}",
        "\n",
        "loop",
        "1e999",
        "99999999999999999999",
        "-1",
        "0",
        "''",
        "none",
        "m",
        "s",
        "l",
        "d",
        "ns",
        "**",
        "*",
        "//",
        "%",
        ".format(",
        "|tojson",
        "|map('",
        "|list",
        "|int",
        "caller()",
        "{% macro f(x=f) %}",
        "{% endmacro %}",
        "f(f)",
        "\0",
        "😀",
        "\ud800",
    };

    @Test
    void endsInTextOrInANamedException() {
        List<String> corpus = new ArrayList<>();
        String[] lines = lines();
        Map<String, Object> context = object(object(JsonReader.read(lines[0])).get("context"));
        for (int i = 1; i < lines.length; i++) {
            corpus.add((String)
                    Objects.requireNonNull(object(JsonReader.read(lines[i])).get("template")));
        }
        Random random = new Random(SEED);
        long end = System.nanoTime() + LENGTH.toNanos();
        int rendered = 0;
        int runs = 0;
        for (; System.nanoTime() < end; runs++) {
            String template = mutated(corpus, random);
            long start = System.nanoTime();
            try {
                ChatTemplate parsed = ChatTemplate.parse(template);
                List<Segment> segments = parsed.renderSegments(context, NOW);
                String text = segments.stream().map(Segment::text).collect(Collectors.joining());
                assertThat(text).isEqualTo(parsed.render(context, NOW));
                rendered++;
            } catch (NibbleException e) {
                assertThat(e.getMessage()).isNotNull();
            } catch (RuntimeException | Error e) {
                fail("seed " + SEED + ", run " + runs + ": " + template, e);
            }
            assertThat(Duration.ofNanos(System.nanoTime() - start)).as(template).isLessThan(LIMIT);
        }
        System.out.println("template fuzzing: seed " + SEED + ", " + runs + " templates, " + rendered + " rendered");
        assertThat(rendered).isPositive();
    }

    private static String mutated(List<String> corpus, Random random) {
        StringBuilder template = new StringBuilder(pick(corpus, random));
        int changes = 1 + random.nextInt(6);
        for (int i = 0; i < changes && template.length() < 2_000; i++) {
            int at = random.nextInt(template.length() + 1);
            switch (random.nextInt(6)) {
                case 0 -> template.insert(at, PIECES[random.nextInt(PIECES.length)]);
                case 1 -> template.insert(at, pick(corpus, random));
                case 2 -> template.delete(at, Math.min(template.length(), at + 1 + random.nextInt(8)));
                case 3 -> {
                    String other = inside(pick(corpus, random));
                    template.insert(at, other);
                }
                case 4 -> {
                    String other = pick(corpus, random);
                    template.append(other, random.nextInt(other.length() + 1), other.length());
                }
                default -> {
                    int to = Math.min(template.length(), at + random.nextInt(20));
                    template.insert(at, template.substring(at, to).repeat(1 + random.nextInt(3)));
                }
            }
        }
        return template.toString();
    }

    private static String pick(List<String> corpus, Random random) {
        return corpus.get(random.nextInt(corpus.size()));
    }

    /** The expression of a template that only prints one. */
    private static String inside(String template) {
        boolean prints = template.length() > 6 && template.startsWith("{{ ") && template.endsWith(" }}");
        return prints ? "(" + template.substring(3, template.length() - 3) + ")" : template;
    }

    private static String[] lines() {
        try (InputStream table = TemplateFuzzTest.class.getResourceAsStream("expressions.jsonl")) {
            return new String(Objects.requireNonNull(table).readAllBytes(), StandardCharsets.UTF_8).split("\n");
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(@org.jspecify.annotations.Nullable Object value) {
        return (Map<String, Object>) Objects.requireNonNull(value);
    }
}
