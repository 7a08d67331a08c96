package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.cli.models.Environment;
import dev.nibble.gguf.GgufFile;
import dev.nibble.testdata.Conformance;
import dev.nibble.testdata.TinyAdapters;
import dev.nibble.testdata.TinyModels;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --adapter PATH[:SCALE]}. */
class AdapterOptionTest {
    @TempDir
    private Path folder;

    private Path base = Path.of("");
    private Path adapter = Path.of("");
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

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
        Streams streams = new Streams(
                new ByteArrayInputStream(new byte[0]),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                false,
                false,
                new Environment(Map.of(), folder, "Linux"));
        return new Cli(streams).run(args);
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
        assertThat(run(args)).as(err.toString(StandardCharsets.UTF_8)).isZero();
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
                .as(err.toString(StandardCharsets.UTF_8))
                .isZero();
    }

    @Test
    void whatIsWrongIsSaidInALine() {
        assertThat(run("run", base.toString(), "a", "--adapter", "absent.gguf")).isEqualTo(Cli.FAILED);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("absent.gguf");
        err.reset();
        assertThat(run("run", base.toString(), "a", "--adapter", base.toString()))
                .isEqualTo(Cli.FAILED);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("base.gguf: this is no adapter");
        err.reset();
        String twice = adapter.toString();
        assertThat(run("run", base.toString(), "a", "--adapter", twice, "--adapter", twice))
                .isEqualTo(Cli.BAD_USAGE);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("there is an adapter 'tuned' already");
    }
}
