package dev.nibble.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class CompareTest {

    @Test
    void metricsComeFromTheJsonLineInTheUnitTheyArePrintedIn() {
        String output = """
                loading ...
                {"prompt_tokens_per_second": 123.5, "generation_tokens_per_second":1.5e1, "load_seconds": 0.25}
                """;

        assertThat(Report.metrics(output))
                .containsOnly(
                        Map.entry(Metric.PROMPT, 123.5),
                        Map.entry(Metric.GENERATION, 15.0),
                        Map.entry(Metric.LOAD, 250.0));
    }

    @Test
    void summaryOfAnEvenNumberOfValuesLiesBetweenTheMiddleTwo() {
        Summary summary = Summary.of(4, 1, 3, 2);

        assertThat(summary.median()).isEqualTo(2.5, within(1e-12));
        assertThat(summary.format(1)).isEqualTo("2.5 (1.0 to 4.0)");
    }

    @Test
    void ratiosAreTakenWithinARound() {
        Table table = new Table(
                List.of(engine("Nibble"), engine("llama.cpp")),
                List.of(
                        List.of(generation("Nibble", 10), generation("llama.cpp", 20)),
                        List.of(generation("Nibble", 30), generation("llama.cpp", 30)),
                        List.of(generation("Nibble", 30), generation("llama.cpp", 40))));
        ByteArrayOutputStream printed = new ByteArrayOutputStream();

        table.print(new PrintStream(printed, true, StandardCharsets.UTF_8));

        assertThat(table.ratios(Metric.GENERATION)).containsExactly(0.5, 1.0, 0.75);
        assertThat(printed.toString(StandardCharsets.UTF_8))
                .contains("Nibble / llama.cpp")
                .containsPattern("generation tokens/s +30.0 \\(10.0 to 30.0\\) +30.0 \\(20.0 to 40.0\\)"
                        + " +0.75 \\(0.50 to 1.00\\)")
                .containsPattern("peak RSS MiB +- +- +-");
    }

    @Test
    void optionsHaveDefaultsAndPythonMayComeFromTheEnvironment() {
        Arguments arguments = Arguments.parse(
                new String[] {"-m", "a.gguf", "-t", "3"}, Map.of("NIBBLE_BENCH_PYTHON", "venv/bin/python"));

        assertThat(arguments.prompts()).containsExactly(256);
        assertThat(arguments.depth()).isZero();
        assertThat(arguments.generatedTokens()).isEqualTo(32);
        assertThat(arguments.threads()).isEqualTo(3);
        assertThat(arguments.python()).contains("venv/bin/python");
        assertThat(arguments.llamaBench()).isEmpty();
    }

    @Test
    void promptsMayHaveSeveralLengths() {
        Arguments arguments = Arguments.parse(new String[] {"-m", "a.gguf", "-p", "64,256", "-d", "128"}, Map.of());

        assertThat(arguments.prompts()).containsExactly(64, 256);
        assertThat(arguments.depth()).isEqualTo(128);
        assertRefused("-p needs a whole number from 1 on, not ''", "-m", "a.gguf", "-p", "64,");
    }

    @Test
    void whatOneProgramNeedsForATokenTheOtherNeedsToo() {
        List<Report> round = List.of(
                new Report("Nibble", Map.of(Metric.GENERATION, 10.0, Metric.BANDWIDTH, 5.0)),
                generation("llama.cpp", 20));

        assertThat(Compare.completed(round, Metric.GENERATION, Metric.BANDWIDTH)
                        .get(1)
                        .value(Metric.BANDWIDTH))
                .hasValue(10);
        assertThat(Compare.completed(round, Metric.PROMPT, Metric.ARITHMETIC)).isEqualTo(round);
    }

    @Test
    void wrongOptionsAreNamed() {
        assertRefused("-m MODEL is missing", "-p", "8");
        assertRefused("unknown option '--rounds'", "--rounds", "8");
        assertRefused("-r needs a value", "-m", "a.gguf", "-r");
        assertRefused("-n needs a whole number from 1 on, not '0'", "-m", "a.gguf", "-n", "0");
    }

    private static void assertRefused(String message, String... arguments) {
        assertThatThrownBy(() -> Arguments.parse(arguments, Map.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    private static Report generation(String engine, double rate) {
        return new Report(engine, Map.of(Metric.GENERATION, rate));
    }

    private static Engine engine(String name) {
        return new Engine() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public Report measure(int prompt, int generate) {
                throw new AssertionError("not measured here");
            }
        };
    }
}
