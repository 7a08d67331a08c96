package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.nibble.testdata.TinyEncoders;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RerankCommandTest {
    private static final String PAIRS = """
            ["bees","Bees navigate by the sun."]
            ["bees","Bears eat honey."]
            ["bears","Bears eat honey."]
            """;

    @TempDir
    private static Path folder;

    private static String model = "";

    private final StringBuilder out = new StringBuilder();
    private final StringBuilder err = new StringBuilder();

    @BeforeAll
    static void writeModel() throws IOException {
        Path file = folder.resolve("tiny.gguf");
        TinyEncoders.write("bert-rank-direct", 1, file);
        model = file.toString();
    }

    private int run(String input, String... args) {
        CommandRunner.Result result = new CommandRunner(folder).runWithInput(input, args);
        out.append(result.out());
        err.append(result.err());
        return result.code();
    }

    private List<String> outLines() {
        return out.toString().lines().toList();
    }

    private String error() {
        return err.toString();
    }

    @Test
    void aLineForEachPairHoldsAllOutputs() throws IOException {
        assertThat(run(PAIRS, "rerank", "-m", model, "--lines", "-"))
                .as(error())
                .isZero();
        assertThat(outLines()).hasSize(3).doesNotHaveDuplicates();
        for (String line : outLines()) {
            assertThat(JSON.std.listFrom(line)).hasSize(3).allMatch(Number.class::isInstance);
        }
    }

    @Test
    void theBestDocumentComesFirst() throws IOException {
        String query = "bees";
        assertThat(run("", "rerank", model, query, "Bears eat honey.", "Bees navigate by the sun.", "x"))
                .as(error())
                .isZero();
        List<Double> scores = new ArrayList<>();
        List<Object> documents = new ArrayList<>();
        for (String line : outLines()) {
            Map<String, Object> entry = JSON.std.mapFrom(line);
            scores.add(((Number) Objects.requireNonNull(entry.get("score"))).doubleValue());
            documents.add(entry.get("document"));
        }
        assertThat(scores).hasSize(3).isSortedAccordingTo((a, b) -> Double.compare(b, a));
        assertThat(documents).containsExactlyInAnyOrder("Bears eat honey.", "Bees navigate by the sun.", "x");
    }

    @Test
    void inspectNamesTheCommand() {
        assertThat(run("", "inspect", model)).as(error()).isZero();
        assertThat(out.toString())
                .containsPattern("rates +pairs of texts of up to 256 tokens: nibble rerank -m .*tiny.gguf");
    }

    @Test
    void wrongUseIsSaidInALine() throws IOException {
        assertThat(run("", "rerank", "-m", model, "bees")).isEqualTo(Cli.BAD_USAGE);
        assertThat(error()).contains("a query and at least one document").hasLineCount(1);
        assertThat(run(PAIRS, "rerank", "-m", model, "--lines", "-", "bees", "sun"))
                .isEqualTo(Cli.BAD_USAGE);
        assertThat(run("[\"bees\"]\n", "rerank", "-m", model, "--lines", "-")).isEqualTo(Cli.FAILED);
        assertThat(error()).contains("line 1: expected a JSON array of two strings");
        Path llama = folder.resolve("llama.gguf");
        TinyModels.write("llama", 1, llama);
        assertThat(run("", "rerank", "-m", llama.toString(), "bees", "sun")).isEqualTo(Cli.FAILED);
        assertThat(error()).contains("this is no reranker");
        assertThat(run("", "embed", "-m", model, "bees")).isEqualTo(Cli.FAILED);
        assertThat(error()).contains("load it with RerankModel");
    }
}
