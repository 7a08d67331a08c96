package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code bench} measures, in numbers that add up. */
class BenchCommandTest {
    @TempDir
    static Path folder;

    private static String model = "";

    @BeforeAll
    static void writeModel() throws IOException {
        model = CommandRunner.tinyModel(folder);
    }

    @Test
    void benchPrintsOneJsonObject() throws IOException {
        CommandRunner.Result result = success("bench", "-m", model, "-p", "16", "-n", "4", "-r", "2", "--json");
        Map<String, Object> values = JSON.std.mapFrom(result.out());
        assertThat((Double) values.get("prompt_tokens_per_second")).isPositive();
        assertThat((Double) values.get("generation_tokens_per_second")).isPositive();
        assertThat((Double) values.get("gigabytes_per_second")).isPositive();
        assertThat((Double) values.get("read_gigabytes_per_second")).isPositive();
        assertThat((Double) values.get("gigamacs_per_second")).isPositive();
        assertThat(values).containsEntry("repetitions", 2);
        assertThat(success("bench", "-m", model, "-p", "8", "-n", "2", "-d", "5", "-r", "1")
                        .out())
                .contains("tokens/s", "GB/s", "GMAC/s", "2 tokens after 5", "load");
    }

    @Test
    void benchMeasuresSessionsThatRunAtOnce() throws IOException {
        CommandRunner.Result result =
                success("bench", "-m", model, "-p", "8", "-n", "6", "-r", "1", "--sessions", "1,3", "--json");
        List<Map<String, Object>> rows = JSON.std.listOfFrom(Object.class, result.out()).stream()
                .map(BenchCommandTest::row)
                .toList();
        assertThat(rows).extracting(row -> row.get("sessions")).containsExactly(1, 3);
        for (Map<String, Object> row : rows) {
            for (String name : List.of(
                    "prompt_tokens_per_second",
                    "generation_tokens_per_second",
                    "ttft_p50_ms",
                    "ttft_p95_ms",
                    "gap_p50_ms",
                    "gap_p95_ms")) {
                assertThat((Double) row.get(name)).as(name).isPositive();
            }
            assertThat((Double) row.get("mean_batch")).isBetween(1.0, 3.0);
            assertThat((Integer) row.get("kv_bytes")).isPositive();
        }
        assertThat(success("bench", "-m", model, "-p", "8", "-n", "2", "-r", "1", "--sessions", "2")
                        .out())
                .contains("mean batch", "gap, p50 p95", " MB");
    }

    @Test
    void benchMeasuresSessionsThatBeginAlike() throws IOException {
        CommandRunner.Result result = success(
                "bench",
                "-m",
                model,
                "-p",
                "4",
                "-n",
                "2",
                "-r",
                "1",
                "--sessions",
                "1,3",
                "--shared-prefix",
                "40",
                "--json");
        List<Map<String, Object>> rows = JSON.std.listOfFrom(Object.class, result.out()).stream()
                .map(BenchCommandTest::row)
                .toList();
        assertThat(rows).extracting(row -> row.get("prompt_tokens")).containsExactly(44, 44);
        assertThat(rows).extracting(row -> row.get("cached_tokens")).containsExactly(0, 80);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> row(Object row) {
        return (Map<String, Object>) row;
    }

    private static CommandRunner.Result success(String... arguments) {
        return new CommandRunner(folder).succeed(arguments);
    }
}
