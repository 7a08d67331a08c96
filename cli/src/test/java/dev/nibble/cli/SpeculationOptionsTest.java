package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How guesses are asked for on the command line. */
class SpeculationOptionsTest {
    @TempDir
    static Path folder;

    private static String model = "";
    private static String other = "";

    @BeforeAll
    static void writeModels() throws IOException {
        model = CommandRunner.tinyModel(folder);
        Path draft = folder.resolve("other.gguf");
        TinyModels.write("llama", 2, draft);
        other = draft.toString();
    }

    private static CommandRunner.Result run(String command, String... options) {
        List<String> arguments = new ArrayList<>(List.of(command, "-m", model));
        arguments.addAll(List.of(options));
        return new CommandRunner(folder).run(arguments.toArray(String[]::new));
    }

    private static CommandRunner.Result continued(String... options) {
        List<String> arguments = new ArrayList<>(
                List.of("-p", "ab ab ab ab ab ab", "-n", "40", "--temp", "0", "--stats", "--ignore-eos"));
        arguments.addAll(List.of(options));
        return run("run", arguments.toArray(String[]::new));
    }

    @Test
    void theTextIsTheSameHoweverItIsGuessed() {
        CommandRunner.Result plain = continued("--no-lookup");
        assertThat(plain.code()).isZero();
        assertThat(plain.err()).doesNotContain("guessed");
        assertThat(continued("--lookup").out()).isEqualTo(plain.out());
        assertThat(continued("--draft", other).out()).isEqualTo(plain.out());
        CommandRunner.Result same = continued("--draft", model);
        assertThat(same.out()).isEqualTo(plain.out());
        assertThat(same.err()).containsPattern("answer: 40 tokens \\(\\d+ of \\d+ guessed ones right\\)");
    }

    @Test
    void theModelsOwnBlockGuessesWhereItHasOne() throws IOException {
        Path file = folder.resolve("mtp.gguf");
        TinyModels.write("glm4moe-mtp", 1, file);
        String[] options = {"-m", file.toString(), "-p", "ab ab", "-n", "30", "--temp", "0", "--stats", "--ignore-eos"};
        CommandRunner commands = new CommandRunner(folder);
        List<String> arguments = new ArrayList<>(List.of("run"));
        arguments.addAll(List.of(options));
        arguments.add("--no-lookup");
        String plain = commands.run(arguments.toArray(String[]::new)).out();
        arguments.set(arguments.size() - 1, "--mtp");
        assertThat(commands.run(arguments.toArray(String[]::new)).out()).isEqualTo(plain);
        CommandRunner.Result without = continued("--mtp");
        assertThat(without.code()).isNotZero();
        assertThat(without.err()).contains("the file has no blocks that predict further tokens");
    }

    @Test
    void oneWayIsAskedForAtATime() {
        CommandRunner.Result result = continued("--lookup", "--draft", other);
        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err()).contains("give one of --lookup, --draft and --mtp");
        assertThat(continued("--mtp", "--draft", other).code()).isEqualTo(2);
        assertThat(continued("--draft", "file:" + folder.resolve("none.gguf")).code())
                .isNotZero();
    }

    @Test
    void chatAndBenchTakeThemToo() {
        for (String[] options : new String[][] {{"--lookup"}, {"--no-lookup"}, {"--draft", other}}) {
            List<String> arguments = new ArrayList<>(List.of("-p", "3", "-n", "3", "-r", "1", "--json"));
            arguments.addAll(List.of(options));
            assertThat(run("bench", arguments.toArray(String[]::new)).out()).contains("generation_tokens_per_second");
        }
        assertThat(run("chat", "--help").out()).contains("--[no-]lookup", "--draft", "--mtp");
    }
}
