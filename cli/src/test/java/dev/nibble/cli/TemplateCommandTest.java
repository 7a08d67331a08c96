package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Templates rendered from the command line. */
class TemplateCommandTest {
    @TempDir
    static Path folder;

    private static String model = "";

    @BeforeAll
    static void writeModel() throws IOException {
        model = CommandRunner.tinyModel(folder);
    }

    @Test
    void templateRendersExactly() throws IOException {
        Path template = Files.writeString(
                folder.resolve("t.jinja"),
                "{% for m in messages %}[{{ m.content }}]{% endfor %}{{ strftime_now('%Y') }}");
        Path context = Files.writeString(
                folder.resolve("c.json"),
                "{\"messages\":[{\"role\":\"user\",\"content\":\"Hé\"}],\"add_generation_prompt\":true}");
        assertThat(success(
                                "template",
                                "--file",
                                template.toString(),
                                "--context",
                                context.toString(),
                                "--now",
                                "2025-01-02T03:04:05")
                        .out())
                .isEqualTo("[Hé]2025");
        assertThat(success("template", "-m", model, "--context", context.toString())
                        .out())
                .endsWith("<|im_start|>user\nHé<|im_end|>\n<|im_start|>assistant\n");
    }

    @Test
    void namedTemplatesAreListedAndChosen() throws IOException {
        Path file = folder.resolve("named.gguf");
        try (GgufFile tiny = GgufFile.open(Path.of(model))) {
            GgufWriter writer = new GgufWriter()
                    .putAll(tiny, key -> true)
                    .putString("tokenizer.chat_template.tool_use", "tools: {{ tools | length }}");
            tiny.tensors()
                    .forEach(tensor -> writer.tensor(
                            tensor.name(), tensor.dtype(), tensor.shape(), GgufWriter.TensorData.of(tensor.data())));
            writer.write(file);
        }
        String named = file.toString();
        assertThat(success("inspect", named).out())
                .containsPattern("chat template +yes: default \\(\\d+ characters\\), tool_use \\(27 characters\\)");
        Path plain = Files.writeString(folder.resolve("plain.json"), "{\"messages\":[]}");
        Path tools = Files.writeString(folder.resolve("tools.json"), "{\"messages\":[],\"tools\":[{}, {}]}");
        assertThat(success("template", "-m", named, "--context", tools.toString())
                        .out())
                .isEqualTo("tools: 2");
        assertThat(success("template", "-m", named, "--name", "tool_use", "--context", plain.toString())
                        .out())
                .isEqualTo("tools: 0");
        assertThat(success("template", "-m", named, "--name", "default", "--context", tools.toString())
                        .out())
                .isEqualTo(success("template", "-m", model, "--context", tools.toString())
                        .out());
        success("run", "-m", named, "--chat", "--template-name", "tool_use", "-p", "a", "-n", "1");
        for (String command : List.of("template --context " + plain + " --name", "run --chat -p a --template-name")) {
            String[] words = (command + " nope -m " + named).split(" ");
            CommandRunner.Result result = new CommandRunner(folder).run(words);
            assertThat(result.code()).isEqualTo(1);
            assertThat(result.errLines())
                    .last()
                    .asString()
                    .endsWith("the file has no chat template 'nope', only default, tool_use");
        }
    }

    private static CommandRunner.Result success(String... arguments) {
        return new CommandRunner(folder).succeed(arguments);
    }
}
