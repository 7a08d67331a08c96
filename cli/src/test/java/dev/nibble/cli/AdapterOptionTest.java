package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.gguf.GgufFile;
import dev.nibble.testdata.Conformance;
import dev.nibble.testdata.TinyAdapters;
import dev.nibble.testdata.TinyEncoders;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --adapter PATH[:SCALE]}. */
class AdapterOptionTest {
    @TempDir
    private Path folder;

    private Path base = Path.of("");
    private Path adapter = Path.of("");
    private String out = "";
    private String err = "";

    @BeforeEach
    void write() throws IOException {
        base = folder.resolve("base.gguf");
        adapter = folder.resolve("tuned.gguf");
        TinyModels.write("llama", 1, base);
        try (GgufFile source = GgufFile.open(base)) {
            TinyAdapters.writer(source, name -> name.matches("blk.*attn_(q|v).weight"), 2, 4, 1)
                    .write(adapter);
        }
    }

    private int run(String... args) {
        CommandRunner.Result result = new CommandRunner(folder).run(args);
        out = result.out();
        err = result.err();
        return result.code();
    }

    private float[] logits(Path model, String... options) throws IOException {
        Path file = folder.resolve("logits.f32");
        String[] args = new String[options.length + 7];
        System.arraycopy(
                new String[] {"logits", "-m", model.toString(), "--tokens", "65,66,67", "--out", file.toString()},
                0,
                args,
                0,
                7);
        System.arraycopy(options, 0, args, 7, options.length);
        assertThat(run(args)).as(err).isZero();
        return Conformance.floats(file);
    }

    private static double distance(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (a[i] - b[i]) * (double) (a[i] - b[i]);
        }
        return Math.sqrt(sum / a.length);
    }

    @Test
    void theAdapterCountsWithItsScale() throws IOException {
        Path merged = folder.resolve("merged.gguf");
        try (GgufFile source = GgufFile.open(base);
                GgufFile added = GgufFile.open(adapter)) {
            TinyAdapters.merge(source, added, 0.5f, merged);
        }
        float[] expected = logits(merged);
        assertThat(distance(logits(base, "--adapter", adapter + ":0.5"), expected))
                .isLessThan(1e-4);
        assertThat(distance(logits(base, "--adapter", adapter.toString()), expected))
                .isGreaterThan(1e-2);
        assertThat(distance(logits(base), expected)).isGreaterThan(1e-2);
    }

    @Test
    void runTakesIt() {
        assertThat(run("run", base.toString(), "a", "-n", "2", "--temp", "0", "--adapter", adapter.toString()))
                .as(err)
                .isZero();
    }

    /** As Ollama keeps a model with two adapters: each command that runs it says that they count. */
    @Test
    void aModelThatComesWithAdaptersIsSaidTo() throws Exception {
        Path second = folder.resolve("second.gguf");
        try (GgufFile source = GgufFile.open(base)) {
            TinyAdapters.writer(source, name -> name.matches("blk.*attn_output.weight"), 2, 4, 2)
                    .write(second);
        }
        store("tuned", base, adapter, second);
        String note = "Note: the model comes with 2 LoRA adapter(s), which are applied";
        assertThat(run("run", "-m", "ollama:tuned", "-p", "a", "-n", "1"))
                .as(err)
                .isZero();
        assertThat(err.lines()).contains(note);
        assertThat(run("embed", "-m", "ollama:tuned", "--pooling", "mean", "a"))
                .as(err)
                .isZero();
        assertThat(err.lines()).contains(note);
        String adapted = out;
        assertThat(run("embed", "-m", base.toString(), "--pooling", "mean", "a"))
                .as(err)
                .isZero();
        assertThat(err).doesNotContain("LoRA");
        assertThat(out).isNotEqualTo(adapted);
        assertThat(run(
                        "embed",
                        "-m",
                        base.toString(),
                        "--adapter",
                        adapter.toString(),
                        "--adapter",
                        second.toString(),
                        "--pooling",
                        "mean",
                        "a"))
                .as(err)
                .isZero();
        assertThat(out).isEqualTo(adapted);
    }

    @Test
    void aRerankerThatComesWithAnAdapterIsSaidTo() throws Exception {
        Path reranker = folder.resolve("reranker.gguf");
        TinyEncoders.write("bert-rank-direct", 1, reranker);
        Path tuned = folder.resolve("reranker-tuned.gguf");
        try (GgufFile source = GgufFile.open(reranker)) {
            TinyAdapters.writer(source, name -> name.matches("blk.*attn_q.weight"), 2, 4, 1)
                    .write(tuned);
        }
        store("ranker", reranker, tuned);
        assertThat(run("rerank", "-m", "ollama:ranker", "bees", "honey", "sun"))
                .as(err)
                .isZero();
        assertThat(err.lines()).contains("Note: the model comes with 1 LoRA adapter(s), which are applied");
    }

    /** An adapter of another model in a manifest is refused as one that was given. */
    @Test
    void anAdapterOfAnotherModelInAManifestIsRefused() throws Exception {
        Path other = folder.resolve("other.gguf");
        TinyModels.write("qwen2", 1, other);
        store("wrong", other, adapter);
        assertThat(run("run", "-m", "ollama:wrong", "-p", "a", "-n", "1")).isEqualTo(Cli.FAILED);
        assertThat(err).contains("the adapter was made for a model of the architecture 'llama'");
    }

    /** Writes a model with adapters as an installed Ollama keeps it. */
    private void store(String name, Path model, Path... adapters) throws Exception {
        Path models = folder.resolve(".ollama/models");
        Files.createDirectories(models.resolve("blobs"));
        StringBuilder layers = new StringBuilder(layer(models, "model", model));
        for (Path each : adapters) {
            layers.append(',').append(layer(models, "adapter", each));
        }
        Path manifest = models.resolve("manifests/registry.ollama.ai/library/" + name + "/latest");
        Files.createDirectories(manifest.getParent());
        Files.writeString(manifest, "{\"layers\":[" + layers + "]}");
    }

    private static String layer(Path models, String kind, Path file) throws Exception {
        byte[] content = Files.readAllBytes(file);
        String digest =
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        Files.write(models.resolve("blobs/sha256-" + digest), content);
        return "{\"mediaType\":\"application/vnd.ollama.image." + kind + "\",\"digest\":\"sha256:" + digest
                + "\",\"size\":" + content.length + "}";
    }

    @Test
    void whatIsWrongIsSaidInALine() {
        assertThat(run("run", base.toString(), "a", "--adapter", "absent.gguf")).isEqualTo(Cli.FAILED);
        assertThat(err).contains("absent.gguf");
        assertThat(run("run", base.toString(), "a", "--adapter", base.toString()))
                .isEqualTo(Cli.FAILED);
        assertThat(err).contains("base.gguf: this is no adapter");
        String twice = adapter.toString();
        assertThat(run("run", base.toString(), "a", "--adapter", twice, "--adapter", twice))
                .isEqualTo(Cli.BAD_USAGE);
        assertThat(err).contains("there is an adapter 'tuned' already");
    }
}
