package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.cli.models.Reporter;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jline.utils.WCWidth;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The progress of a download on a terminal, and elsewhere. */
class ConsoleReporterTest {
    private static final List<String> NAMES = List.of(
            "a.gguf",
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            "Unpacking SmolLM2-135M-Instruct.Q4_1.gguf",
            "gemma3-270m-part1==1.0.0, gemma3-270m-part2==1.0.0, gemma3-270m-part3==1.0.0, gemma3-270m-part4==1.0.0",
            "模型".repeat(30) + ".gguf");

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final PrintStream err = new PrintStream(bytes, true, StandardCharsets.UTF_8);

    private String printed() {
        return bytes.toString(StandardCharsets.UTF_8);
    }

    /** What stood in the line, each time it was drawn. */
    private List<String> drawn() {
        return Arrays.stream(printed().split("\r\033\\[K"))
                .map(String::stripTrailing)
                .filter(line -> !line.isEmpty())
                .toList();
    }

    private long newlines() {
        return printed().chars().filter(c -> c == '\n').count();
    }

    private static int cells(String line) {
        return line.codePoints().map(WCWidth::wcwidth).sum();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8, 20, 40, 80, 100, 132, 500})
    void theLineIsNarrowerThanTheTerminalAndStaysOne(int columns) {
        for (String name : NAMES) {
            for (long total : new long[] {-1, 98_362_432, 1_234_567_890_123L}) {
                bytes.reset();
                try (Reporter.Progress progress = new ConsoleReporter(err, true, () -> columns).start(name, total)) {
                    progress.at(0);
                    progress.at(8_890_000);
                }
                assertThat(drawn())
                        .allSatisfy(line -> assertThat(cells(line)).as(line).isLessThan(columns));
                assertThat(drawn()).hasSizeGreaterThanOrEqualTo(columns < 10 ? 0 : 2);
                assertThat(newlines()).as(printed()).isEqualTo(1);
            }
        }
    }

    @Test
    void theNameAndTheBarAreShortenedBeforeANumberIsLeftOut() {
        try (Reporter.Progress progress = new ConsoleReporter(err, true, () -> 80)
                .start("Unpacking SmolLM2-135M-Instruct.Q4_1.gguf", 98_362_432)) {
            progress.at(0);
            progress.at(49_181_216);
        }
        assertThat(drawn().getLast())
                .startsWith("Unpack")
                .contains("…", "1.gguf", "[=", " 50%", "49.2 MB of 98.4 MB", "/s", " left");
    }

    @Test
    void aWidthThatChangesIsFollowed() {
        int[] columns = {100};
        try (Reporter.Progress progress =
                new ConsoleReporter(err, true, () -> columns[0]).start(NAMES.get(2), 98_362_432)) {
            progress.at(1000);
            columns[0] = 40;
        }
        assertThat(cells(drawn().getFirst())).isBetween(60, 99);
        assertThat(cells(drawn().getLast())).isLessThan(40);
    }

    @Test
    void aTotalThatBecomesKnownIsShown() {
        try (Reporter.Progress progress = new ConsoleReporter(err, true, () -> 80).start("a", -1)) {
            progress.at(500);
            progress.total(1000);
        }
        assertThat(drawn().getFirst()).doesNotContain("%");
        assertThat(drawn().getLast()).contains(" 50%").contains("500 B of 1.00 kB");
    }

    @Test
    void whatIsSaidMeanwhileTakesTheLineOver() {
        ConsoleReporter reporter = new ConsoleReporter(err, true, () -> 80);
        try (Reporter.Progress progress = reporter.start("a", 1000)) {
            progress.at(500);
            reporter.say("Waiting");
        }
        assertThat(printed()).contains("\r\033[KWaiting" + System.lineSeparator());
        assertThat(newlines()).isEqualTo(2);
    }

    @Test
    void elsewhereItIsALineNowAndThen() {
        try (Reporter.Progress progress = new ConsoleReporter(err, false, () -> 80).start("a.gguf", 1_000_000)) {
            for (int i = 0; i < 1000; i++) {
                progress.at(i * 1000L);
            }
        }
        assertThat(printed()).doesNotContain("\033", "\r\033").startsWith("a.gguf (1.00 MB) ...");
        assertThat(newlines()).isLessThan(5);
    }
}
