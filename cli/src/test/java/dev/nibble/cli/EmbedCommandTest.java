package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbedCommandTest {
    @TempDir
    private static Path folder;

    private static Path model;

    private final StringBuilder out = new StringBuilder();
    private final StringBuilder err = new StringBuilder();

    @BeforeAll
    static void writeModel() throws IOException {
        model = folder.resolve("tiny.gguf");
        TinyModels.write("llama", 1, model);
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
    void aLineForEachTextOfLengthOne() throws IOException {
        assertThat(run("", "embed", "-m", model.toString(), "--pooling", "mean", "one", "another", "one"))
                .as(error())
                .isZero();
        assertThat(outLines()).hasSize(3);
        List<Object> embedding = JSON.std.listFrom(outLines().getFirst());
        assertThat(embedding).hasSizeGreaterThan(8);
        double squares = embedding.stream()
                .mapToDouble(value -> ((Number) value).doubleValue())
                .map(value -> value * value)
                .sum();
        assertThat(squares).isCloseTo(1, within(1e-5));
        assertThat(outLines().get(2)).isEqualTo(outLines().get(0));
        assertThat(outLines().get(1)).isNotEqualTo(outLines().get(0));
    }

    @Test
    void filesAndLinesGiveWhatArgumentsGive() throws IOException {
        Path text = Files.writeString(folder.resolve("text.txt"), "one\ntwo");
        assertThat(run("", "embed", "-m", model.toString(), "--pooling", "last", "one\ntwo"))
                .isZero();
        assertThat(run("", "embed", "-m", model.toString(), "--pooling", "last", "--file", text.toString()))
                .isZero();
        assertThat(run("\"one\\ntwo\"\n", "embed", "-m", model.toString(), "--pooling", "last", "--lines", "-"))
                .isZero();
        assertThat(outLines()).hasSize(3);
        assertThat(outLines().get(1)).isEqualTo(outLines().get(0));
        assertThat(outLines().get(2)).isEqualTo(outLines().get(0));
    }

    @Test
    void withoutPoolingALineHoldsAnArrayForEachToken() throws IOException {
        assertThat(run("", "embed", "-m", model.toString(), "--pooling", "none", "--no-normalize", "one"))
                .as(error())
                .isZero();
        List<Object> rows = JSON.std.listFrom(outLines().getFirst());
        assertThat(rows).isNotEmpty().allMatch(row -> row instanceof List<?> values && values.size() > 8);
    }

    @Test
    void inspectNamesTheCommandForAModelThatOnlyEmbeds() {
        Path bert = Path.of("../testdata/src/test/resources/embeddings/bert.gguf");
        assertThat(run("", "inspect", bert.toString())).as(error()).isZero();
        assertThat(out.toString())
                .containsPattern("runs on +cpu, ")
                .containsPattern("embeds +texts of up to \\d+ tokens in \\d+ dimensions: nibble embed -m .*bert.gguf")
                .doesNotContain("does not generate");
        assertThat(run("", "embed", "-m", bert.toString(), "one")).as(error()).isZero();
    }

    @Test
    void wrongUseIsSaidInALine() {
        assertThat(run("", "embed", "-m", model.toString(), "one")).isEqualTo(Cli.FAILED);
        assertThat(error()).contains("the file does not say how").hasLineCount(1);
        assertThat(run("", "embed", "-m", model.toString())).isEqualTo(Cli.BAD_USAGE);
        assertThat(error()).contains("give one of TEXT, --file and --lines, not 0");
        assertThat(run("", "embed", "-m", model.toString(), "--pooling", "max", "one"))
                .isEqualTo(Cli.BAD_USAGE);
        assertThat(run("", "embed", "-m", model.toString(), "--pooling", "mean", "-c", "100000", "one"))
                .isEqualTo(Cli.BAD_USAGE);
        assertThat(error()).contains("at most 256");
        assertThat(run("", "embed", "-m", model.toString(), "--pooling", "mean", "x ".repeat(1000)))
                .isEqualTo(Cli.FAILED);
        assertThat(error()).contains("but the context holds 256");
        assertThat(out).isEmpty();
    }

    @Test
    void aLineThatIsNoStringIsNamed() {
        assertThat(run("\"one\"\n{}\n", "embed", "-m", model.toString(), "--pooling", "mean", "--lines", "-"))
                .isEqualTo(Cli.FAILED);
        assertThat(error()).contains("line 2: expected a JSON string");
    }
}
