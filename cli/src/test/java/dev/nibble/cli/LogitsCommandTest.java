package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.nibble.testdata.Conformance;
import dev.nibble.testdata.TinyEncoders;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code nibble logits} with models that read a text otherwise than from its beginning to its end. */
class LogitsCommandTest {
    private static final int VOCABULARY = 288;

    @TempDir
    private Path folder;

    private String model(String name) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        if (TinyEncoders.names().contains(name)) {
            TinyEncoders.write(name, 1, file);
        } else {
            TinyModels.write(name, 1, file);
        }
        return file.toString();
    }

    private CommandRunner.Result run(String... arguments) {
        return new CommandRunner(folder).run(arguments);
    }

    private float[] logits(String... arguments) throws IOException {
        Path out = folder.resolve("logits.f32");
        String[] all = Arrays.copyOf(arguments, arguments.length + 2);
        all[arguments.length] = "--out";
        all[arguments.length + 1] = out.toString();
        CommandRunner.Result result = run(all);
        assertThat(result.code()).as(result.err()).isZero();
        return Conformance.floats(out);
    }

    @Test
    void anEncodersTextIsAnswered() throws IOException {
        String t5 = model("t5");
        float[] answer = logits("logits", "-m", t5, "--encoder-tokens", "65,66,67", "--tokens", "283,68,69");
        assertThat(answer).hasSize(3 * VOCABULARY);
        assertThat(logits("logits", "-m", t5, "--encoder-tokens", "65,66,70", "--tokens", "283,68,69"))
                .isNotEqualTo(answer);
        Path out = folder.resolve("greedy.f32");
        CommandRunner.Result greedy = run(
                "logits",
                "-m",
                t5,
                "--encoder-tokens",
                "65,66,67",
                "--tokens",
                "283",
                "--greedy",
                "4",
                "--out",
                "" + out);
        List<?> ids =
                (List<?>) Objects.requireNonNull(JSON.std.mapFrom(greedy.out()).get("greedy"));
        assertThat(ids).hasSize(4).first().isEqualTo(Logits.argmax(answer, 0, VOCABULARY));
    }

    @Test
    void aDiffusionModelsTokensSeeAllOthers() throws IOException {
        String llada = model("llada");
        float[] whole = logits("logits", "-m", llada, "--tokens", "65,66,67");
        float[] other = logits("logits", "-m", llada, "--tokens", "65,66,70");
        assertThat(Arrays.copyOf(other, VOCABULARY)).isNotEqualTo(Arrays.copyOf(whole, VOCABULARY));
    }

    @Test
    void whatDoesNotSuitTheModelIsSaidInALine() throws IOException {
        String out = folder.resolve("none.f32").toString();
        badUsage("has an encoder", "logits", "-m", model("t5"), "--tokens", "1", "--out", out);
        badUsage(
                "--encoder-tokens: 288 is not a token",
                "logits",
                "-m",
                model("t5"),
                "--encoder-tokens",
                "288",
                "--tokens",
                "1",
                "--out",
                out);
        badUsage(
                "--encoder-tokens: the model has no encoder",
                "logits",
                "-m",
                model("llama"),
                "--encoder-tokens",
                "1",
                "--tokens",
                "1",
                "--out",
                out);
        badUsage(
                "fills in masked tokens",
                "logits",
                "-m",
                model("llada"),
                "--tokens",
                "1",
                "--greedy",
                "2",
                "--out",
                out);
        assertThat(Path.of(out)).doesNotExist();
        Path text = Files.writeString(folder.resolve("text.txt"), "a text ".repeat(100));
        for (String name : List.of("t5", "llada")) {
            CommandRunner.Result result = run("perplexity", "-m", model(name), "-f", text.toString(), "--ctx", "64");
            assertThat(result.code()).isEqualTo(Cli.FAILED);
            assertThat(result.err()).contains("this model (" + name + ")").contains("no perplexity");
        }
        CommandRunner.Result result = run("run", "-m", model("llada"), "-p", "a", "-n", "1");
        assertThat(result.code()).isEqualTo(Cli.FAILED);
        assertThat(result.err()).contains("this is a diffusion model (llada)");
    }

    private void badUsage(String message, String... arguments) {
        CommandRunner.Result result = run(arguments);
        assertThat(result.code()).as(result.err()).isEqualTo(Cli.BAD_USAGE);
        assertThat(result.err()).contains(message);
    }
}
