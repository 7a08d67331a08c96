package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of a result that cannot be written, seen from outside. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "needs a shell and /dev/full")
class OutputTest {
    private static final Path FULL = Path.of("/dev/full");

    @TempDir
    static Path folder;

    private static Path model = Path.of("");

    @BeforeAll
    static void writeFiles() throws IOException {
        model = folder.resolve("tiny.gguf");
        TinyModels.write("llama", 1, model);
        Files.writeString(folder.resolve("c.json"), "{\"messages\":[]}");
        Files.writeString(folder.resolve("t.jinja"), "hello");
        Files.writeString(folder.resolve("text.txt"), "the cat and the dog ".repeat(10));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "run -m MODEL -p hello -n 5 --temp 0",
                "chat -m MODEL -n 5 -p hello",
                "tokenize -m MODEL hello",
                "template --file DIR/t.jinja --context DIR/c.json",
                "inspect MODEL",
                "perplexity -m MODEL -f DIR/text.txt --ctx 32",
                "logits -m MODEL --tokens 1,2 --out DIR/l.f32",
                "quantize MODEL DIR/q.gguf Q8_0 --force",
                "list --json",
                "devices",
                "pull file:MODEL",
                "--help",
                "run --help",
                "help",
                "--version"
            })
    void aResultThatCannotBeWrittenIsAFailure(String command) throws IOException, InterruptedException {
        assumeTrue(Files.exists(FULL), "this system has no /dev/full");
        List<String> arguments = new ArrayList<>();
        for (String word : command.split(" ")) {
            arguments.add(word.replace("MODEL", model.toString()).replace("DIR", folder.toString()));
        }
        CommandRunner.Result result = process().withOutputTo(FULL).run(arguments);
        assertThat(result.code()).as(result.err()).isEqualTo(1);
        assertThat(result.errLines())
                .last()
                .asString()
                .isEqualTo("nibble: cannot write standard output: no space left on device");
    }

    /** As {@code head} does when it has seen enough. */
    @Test
    void aReaderWhoLeavesIsNoFailure() throws IOException, InterruptedException {
        Path code = folder.resolve("code");
        CommandRunner.Result result = process()
                .through("head -c 3", code)
                .run(List.of("run", "-m", model.toString(), "-p", "hello", "-n", "100", "--temp", "0", "--ignore-eos"));
        assertThat(result.err()).isEmpty();
        assertThat(Files.readString(code).strip()).isEqualTo("0");
    }

    private static NibbleProcess process() throws IOException {
        return new NibbleProcess(Files.createTempDirectory(folder, "process"));
    }
}
