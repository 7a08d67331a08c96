package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.nibble.tensor.DType;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandsTest {
    @TempDir
    static Path folder;

    private static String model = "";

    @BeforeAll
    static void writeModel() throws IOException {
        model = CommandRunner.tinyModel(folder);
    }

    @Test
    void runPrintsTheCompletionAlone() {
        CommandRunner.Result first = success("run", "-m", model, "-p", "hello", "-n", "8", "--temp", "0");
        CommandRunner.Result second = success("run", "-m", model, "-p", "hello", "-n", "8", "--temp", "0");
        assertThat(first.out()).isNotBlank().endsWith(System.lineSeparator()).isEqualTo(second.out());
        assertThat(first.err()).isEmpty();
    }

    @Test
    void runTakesItsPromptFromAFileOrStandardInput() throws IOException {
        Path prompt = Files.writeString(folder.resolve("prompt.txt"), "hello");
        String expected = success("run", "-m", model, "-p", "hello", "-n", "6", "--temp", "0")
                .out();
        assertThat(success("run", "-m", model, "-f", prompt.toString(), "-n", "6", "--temp", "0")
                        .out())
                .isEqualTo(expected);
        CommandRunner.Result piped = new CommandRunner(folder)
                .runWithInput("hello", "run", "-m", model, "-f", "-", "-n", "6", "--temp", "0");
        assertThat(piped.out()).isEqualTo(expected);
    }

    /** As other programs take them. */
    @Test
    void theModelAndTheTextMayBeArguments() throws IOException {
        Path spaced = Files.copy(Path.of(model), folder.resolve("a b.gguf"));
        String[] options = {"-n", "6", "--temp", "0"};
        String expected = success("run", "-m", model, "-p", "hello", "-n", "6", "--temp", "0")
                .out();
        for (List<String> command : List.of(
                List.of("run", model, "hello"),
                List.of("run", "-m", model, "hello"),
                List.of("run", model, "-p", "hello"),
                List.of("run", spaced.toString(), "-p", "hello"))) {
            List<String> all = new ArrayList<>(command);
            all.addAll(List.of(options));
            assertThat(success(all.toArray(String[]::new)).out()).isEqualTo(expected);
        }
        assertThat(success("tokenize", model, "ab").out().strip()).isEqualTo("[97,98]");
        assertThat(success("inspect", "-m", model).out()).isNotBlank();
        assertThat(success("pull", "-m", "file:" + model).out().strip()).isEqualTo(model);
    }

    @Test
    void aByteOrderMarkIsNoPartOfAText() throws IOException {
        Path marked = Files.writeString(folder.resolve("marked.txt"), "\ufeffab");
        assertThat(success("tokenize", "-m", model, "--file", marked.toString())
                        .out()
                        .strip())
                .isEqualTo("[97,98]");
        Path lines = Files.writeString(folder.resolve("marked.jsonl"), "\ufeff\"ab\"\n");
        assertThat(success("tokenize", "-m", model, "--lines", lines.toString())
                        .out()
                        .strip())
                .isEqualTo("[97,98]");
        Path template = Files.writeString(folder.resolve("marked.jinja"), "\ufeff{{ a }}");
        Path context = Files.writeString(folder.resolve("marked.json"), "\ufeff{\"a\": \"b\"}");
        assertThat(success("template", "--file", template.toString(), "--context", context.toString())
                        .out())
                .isEqualTo("b");
    }

    @Test
    void anAnswerCutByTheContextIsSaidToBe() {
        String[] command = {"run", "-m", model, "-p", "hello", "--ctx", "12", "--temp", "0", "--ignore-eos"};
        assertThat(success(command).err())
                .contains("Note: the answer is cut off, as the context of 12 tokens is full (--ctx)");
        assertThat(success("run", "-m", model, "-p", "hello", "-n", "2", "--temp", "0", "--ignore-eos", "-v")
                        .err())
                .contains("ended by the number of tokens asked for (-n)")
                .doesNotContain("cut off");
    }

    @Test
    void optionsWithoutEffectAreNamed() {
        assertThat(success("run", "-m", model, "-p", "a", "-n", "1", "-ngl", "99", "--backend", "cpu")
                        .err())
                .contains("--gpu-layers 99 has no effect: the model runs on the CPU");
        assertThat(success("run", "-m", model, "-p", "a", "-n", "1", "-t", "600")
                        .err())
                .contains("600 threads on ");
    }

    @Test
    void controlTokensAreShownOnRequest() {
        assertThat(success("tokenize", "-m", model, "--decode", "97,282,98")
                        .out()
                        .strip())
                .isEqualTo("ab");
        assertThat(success("tokenize", "-m", model, "--decode", "97,282,98", "--special")
                        .out()
                        .strip())
                .isEqualTo("a<|im_end|>b");
    }

    @Test
    void theHelpHasItsOptionsUnderHeadings() {
        String help = success("help", "run").out();
        assertThat(help).isEqualTo(success("run", "--help").out());
        assertThat(help)
                .containsSubsequence(
                        "Usage: nibble run [OPTIONS]",
                        "Model:",
                        "--model",
                        "Prompt:",
                        "--prompt",
                        "--system-file",
                        "Sampling:",
                        "--max-tokens",
                        "--xtc-probability",
                        "Context and memory:",
                        "--ctx",
                        "--kv",
                        "Output:",
                        "--stats",
                        "Performance:",
                        "--threads",
                        "Other:",
                        "--debug",
                        "--help");
        assertThat(help.lines()).allMatch(line -> line.length() <= 80);
        CommandRunner.Result nothing = new CommandRunner(folder).run();
        assertThat(nothing.err()).isEqualTo(success("help").out()).contains("Usage: nibble");
        assertThat(nothing.code()).isEqualTo(2);
    }

    @Test
    void inspectWritesNoRearrangedWeights() throws IOException {
        Path file = folder.resolve("rearranged.gguf");
        TinyModels.write("llama", 1, DType.Q4_0, file);
        Path cache = folder.resolve("not-made");
        success("inspect", file.toString(), "--repack-cache", cache.toString());
        assertThat(cache).doesNotExist();
        success("run", "-m", file.toString(), "-p", "hello", "-n", "1", "--repack-cache", cache.toString());
        assertThat(cache).isNotEmptyDirectory();
    }

    @Test
    void theSameSeedGivesTheSameText() {
        String[] command = {"run", "-m", model, "--chat", "-p", "hello", "-n", "12", "--seed", "7", "--temp", "2"};
        assertThat(success(command).out()).isEqualTo(success(command).out());
        command[9] = "8";
        assertThat(success(command).out())
                .isNotEqualTo(
                        success("run", "-m", model, "--chat", "-p", "hello", "-n", "12", "--seed", "7", "--temp", "2")
                                .out());
    }

    @Test
    void statsGoToStandardError() {
        CommandRunner.Result result = success("run", "-m", model, "-p", "hello", "-n", "3", "-v", "--seed", "1");
        assertThat(result.err())
                .contains("tokens/s")
                .containsPattern("answer: [1-3] token") // it may end by itself
                .contains("cpu");
    }

    @Test
    void tokenizeReadsArgumentsFilesAndLines() throws IOException {
        String line = success("tokenize", "-m", model, "a<|im_end|>b").out().strip();
        assertThat(line).isEqualTo("[97,282,98]");
        String plain = success("tokenize", "-m", model, "--no-special", "a<|im_end|>b")
                .out()
                .strip();
        assertThat(plain).startsWith("[97,60,").endsWith(",62,98]");
        Path text = Files.writeString(folder.resolve("text.txt"), "a<|im_end|>b");
        assertThat(success("tokenize", "-m", model, "--file", text.toString())
                        .out()
                        .strip())
                .isEqualTo(line);
        Path lines = Files.writeString(folder.resolve("lines.jsonl"), "\"a\\nb\"\n\"\"\n\"ä\"\n");
        assertThat(success("tokenize", "-m", model, "--lines", lines.toString())
                        .out()
                        .lines())
                .containsExactly("[97,10,98]", "[]", "[195,164]");
        assertThat(success("tokenize", "-m", model, "--decode", "97,195,164")
                        .out()
                        .strip())
                .isEqualTo("aä");
    }

    @Test
    void logitsWritesARowForEachTokenAndTheShape() throws IOException {
        Path out = folder.resolve("logits.f32");
        CommandRunner.Result result =
                success("logits", "-m", model, "--tokens", "1,2,3,4,5", "--out", out.toString(), "--greedy", "3");

        Map<String, Object> shape = JSON.std.mapFrom(result.out());
        assertThat(shape).containsEntry("tokens", 5).containsEntry("vocab_size", 288);
        FloatBuffer logits = ByteBuffer.wrap(Files.readAllBytes(out))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer();
        assertThat(logits.remaining()).isEqualTo(5 * 288);
        float[] all = new float[logits.remaining()];
        logits.get(all);
        assertThat((List<?>) shape.get("greedy")).hasSize(3).first().isEqualTo(Logits.argmax(all, 4 * 288, 288));

        // The row of the third token does not know what comes later.
        success("logits", "-m", model, "--tokens", "1,2,3", "--out", out.toString());
        FloatBuffer shorter = ByteBuffer.wrap(Files.readAllBytes(out))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer();
        for (int i = 0; i < 3 * 288; i++) {
            assertThat(shorter.get(i)).isCloseTo(all[i], org.assertj.core.api.Assertions.within(1e-4f));
        }
    }

    @Test
    void perplexityScoresTheSecondHalvesOfWindows() throws IOException {
        Path text = Files.writeString(folder.resolve("long.txt"), "the cat and the dog ".repeat(40));
        CommandRunner.Result result = success("perplexity", "-m", model, "-f", text.toString(), "--ctx", "32");
        double perplexity = Double.parseDouble(result.out().strip());
        // Random weights know little: about as bad as guessing among all tokens.
        assertThat(perplexity).isBetween(10.0, 100_000.0);
        assertThat(result.err()).contains("window 1 of ");
    }

    @Test
    void logProbabilitiesOfARowAddUpToOne() {
        float[] row = {1000f, 999f, -5f, 998.5f};
        double sum = 0;
        for (int token = 0; token < 4; token++) {
            sum += Math.exp(Logits.logProbability(row, 0, 4, token));
        }
        assertThat(sum).isCloseTo(1, org.assertj.core.api.Assertions.within(1e-12));
        assertThat(Logits.argmax(new float[] {1, 3, 3}, 0, 3)).isEqualTo(1);
    }

    @Test
    void inspectShowsWhatTheFileHolds() throws IOException {
        String text = success("inspect", model, "--tensors", "--metadata", "--ctx", "128")
                .out();
        assertThat(text)
                .containsPattern("architecture +llama")
                .containsPattern("context +256 tokens")
                .containsPattern("chat template +yes")
                .contains("with a context of 128 tokens")
                .contains("parsed in")
                .contains("token_embd.weight")
                .contains("tokenizer.ggml.tokens = [288 strings]");
        Path out = folder.resolve("norm.f32");
        success("inspect", model, "--dump", "output_norm.weight", "--out", out.toString());
        String row = text.lines()
                .filter(line -> line.startsWith("output_norm.weight"))
                .findFirst()
                .orElse("");
        assertThat(row).contains("F32").endsWith(" " + Files.size(out));
    }

    @Test
    void inspectNamesTheTypesWithoutAVectorKernel() throws IOException {
        Path file = folder.resolve("slow.gguf");
        TinyModels.write("llama", 1, DType.NVFP4, file);
        assertThat(success("inspect", file.toString()).out())
                .containsPattern("slow +NVFP4: dequantized by scalar code");
        assertThat(success("inspect", model).out())
                .containsPattern("  F32 +vector")
                .doesNotContain("slow");
    }

    @Test
    void quantizeWritesASmallerModelThatRuns() throws IOException {
        Path out = folder.resolve("tiny-q8.gguf");
        CommandRunner.Result result = success("quantize", model, out.toString(), "q8_0");
        assertThat(result.out()).contains("bits per weight");
        assertThat(Files.size(out)).isLessThan(Files.size(Path.of(model)));
        assertThat(success("run", "-m", out.toString(), "-p", "hello", "-n", "4", "--temp", "0")
                        .out())
                .isNotBlank();
    }

    @Test
    void pullPrintsThePath() {
        assertThat(success("pull", model).out().strip()).isEqualTo(model);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "chat",
                "run",
                "tokenize",
                "template",
                "inspect",
                "bench",
                "perplexity",
                "logits",
                "list",
                "pull",
                "quantize"
            })
    void helpTeachesByExample(String command) {
        String help = success(command, "--help").out();
        assertThat(help)
                .contains("Usage: nibble " + command)
                .contains("Examples:")
                .contains("  nibble " + command);
    }

    @Test
    void helpListsTheCommands() {
        assertThat(success("--help").out()).contains("chat", "perplexity", "quantize", "Exit codes");
        assertThat(success("--version").out()).contains("nibble").contains("Java");
        assertThat(new CommandRunner(folder).run().code()).isEqualTo(2);
    }

    private static CommandRunner.Result success(String... arguments) {
        return new CommandRunner(folder).succeed(arguments);
    }
}
