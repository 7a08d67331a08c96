package dev.nibble.cli.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.AdapterFile;
import dev.nibble.LoadOptions;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OllamaTest {
    @TempDir
    Path home;

    private final byte[] model = {'G', 'G', 'U', 'F', 1, 2, 3};
    private final Map<String, String> variables = new HashMap<>();

    @Test
    void findsTheModelInAnInstalledStore() throws Exception {
        Path blob = store(home.resolve(".ollama/models"), "library/tiny/latest", digest());

        assertThat(resolver("http://127.0.0.1:9").resolve("ollama:tiny")).isEqualTo(blob);
        assertThat(new LocalModels(environment(), Reporter.SILENT).find())
                .contains(new LocalModels.Found("ollama", "ollama:tiny:latest", blob));
    }

    @Test
    void eachNameThatIsListedIsFound() throws Exception {
        Path models = home.resolve(".ollama/models");
        Path blob = store(models, "library/tiny/latest", digest());
        for (String name :
                List.of("hf.co/me/tiny/Q4_0", "models.example.org/library/tiny/7b", "registry.ollama.ai/me/tiny/x")) {
            Path manifest = models.resolve("manifests").resolve(name);
            Files.createDirectories(manifest.getParent());
            Files.writeString(manifest, manifest(digest()));
        }

        List<LocalModels.Found> found = new LocalModels(environment(), Reporter.SILENT).find();

        assertThat(found)
                .extracting(LocalModels.Found::locator)
                .contains("ollama:hf.co/me/tiny:Q4_0", "ollama:models.example.org/library/tiny:7b", "ollama:me/tiny:x");
        for (LocalModels.Found model : found) {
            assertThat(resolver("http://127.0.0.1:9").resolve(model.locator())).isEqualTo(blob);
        }
    }

    @Test
    void adaptersAreFoundBesideTheModel() throws Exception {
        Path models = home.resolve(".ollama/models");
        byte[] content = {1};
        String adapter = layer("adapter", content);
        String model = layer("model", this.model);
        for (String layers : List.of(model + "," + adapter, adapter + "," + model)) {
            store(models, "library/tuned/latest", digest());
            Files.writeString(
                    models.resolve("manifests/registry.ollama.ai/library/tuned/latest"),
                    "{\"layers\":[" + layers + "]}");

            Path blob = models.resolve("blobs").resolve(digest(content).replace(':', '-'));
            Files.deleteIfExists(blob);
            assertThatThrownBy(() -> resolver("http://127.0.0.1:9").resolve("ollama:tuned"))
                    .isInstanceOf(ModelNotFoundException.class)
                    .hasMessageContaining("ollama:tuned:latest: its adapter is missing");

            Files.write(blob, content);
            ResolvedModel tuned = resolver("http://127.0.0.1:9").open("ollama:tuned");
            assertThat(tuned.adapters()).containsExactly(blob);
            assertThat(tuned.onto(LoadOptions.DEFAULT).adapters())
                    .extracting(AdapterFile::file)
                    .containsExactly(blob);
            assertThat(tuned.defaults().unused()).isEmpty();
            assertThat(new LocalModels(environment(), Reporter.SILENT).find()).hasSize(1);
        }
    }

    @Test
    void readsWhatAModelComesWith() throws Exception {
        try (FakeServer registry = new FakeServer()) {
            List<byte[]> texts = List.of(
                    bytes("You are a pirate."),
                    bytes("{\"stop\":[\"<|end|>\"],\"temperature\":0.25,\"num_ctx\":64}"),
                    bytes("[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\",\"content\":\"ho\"}]"));
            String layers = layer("model", model) + "," + layer("template", bytes("{{ .Prompt }}")) + ","
                    + layer("license", bytes("free")) + "," + layer("system", texts.get(0)) + ","
                    + layer("params", texts.get(1)) + "," + layer("messages", texts.get(2)) + ","
                    + layer("odd", bytes("?"));
            registry.text("/v2/library/tiny/manifests/latest", "{\"layers\":[" + layers + "]}");
            registry.file("/v2/library/tiny/blobs/" + digest(), model);
            for (byte[] text : texts) {
                registry.file("/v2/library/tiny/blobs/" + digest(text), text);
            }
            ModelDefaults expected = new ModelDefaults(
                    "You are a pirate.",
                    List.of(new ModelDefaults.Turn("user", "hi"), new ModelDefaults.Turn("assistant", "ho")),
                    Map.of("stop", List.of("<|end|>"), "temperature", 0.25, "num_ctx", 64),
                    true,
                    List.of("odd"));

            assertThat(resolver(registry.url()).open("ollama:tiny").defaults()).isEqualTo(expected);
            // Kept with the model: the registry is not asked again.
            assertThat(resolver("http://127.0.0.1:9").open("ollama:tiny").defaults())
                    .isEqualTo(expected);
            Path blobs = home.resolve(".cache/nibble/ollama/blobs");
            Files.writeString(blobs.resolve(digest(texts.get(0)).replace(':', '-')), "You are somebody else.");
            assertThatThrownBy(() -> resolver("http://127.0.0.1:9").open("ollama:tiny"))
                    .hasMessageContaining("its system is damaged");
            Files.delete(blobs.resolve(digest(texts.get(0)).replace(':', '-')));
            assertThatThrownBy(() -> resolver("http://127.0.0.1:9").open("ollama:tiny"))
                    .hasMessageContaining("its system is missing");
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    private static String layer(String kind, byte[] content) throws Exception {
        return "{\"mediaType\":\"application/vnd.ollama.image." + kind + "\",\"digest\":\"" + digest(content)
                + "\",\"size\":" + content.length + "}";
    }

    private static String digest(byte[] content) throws Exception {
        return "sha256:"
                + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    }

    @Test
    void followsOllamaModels() throws Exception {
        variables.put("OLLAMA_MODELS", home.resolve("elsewhere").toString());
        Path blob = store(home.resolve("elsewhere"), "me/tiny/7b", digest());

        assertThat(resolver("http://127.0.0.1:9").resolve("ollama:me/tiny:7b")).isEqualTo(blob);
    }

    @Test
    void refusesADigestThatIsAPath() throws Exception {
        store(home.resolve(".ollama/models"), "library/tiny/latest", "sha256:../../../../etc/passwd");

        assertThatThrownBy(() -> resolver("http://127.0.0.1:9").resolve("ollama:tiny"))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("cannot be reached");
    }

    @Test
    void pullsFromTheRegistryIntoTheOwnCache() throws Exception {
        try (FakeServer registry = new FakeServer()) {
            registry.text("/v2/library/tiny/manifests/1b", manifest(digest()));
            registry.file("/v2/library/tiny/blobs/" + digest(), model);

            Path file = resolver(registry.url()).resolve("ollama:tiny:1b");

            assertThat(file).hasBinaryContent(model).startsWith(home.resolve(".cache/nibble/ollama"));
            int requests = registry.requests().size();
            assertThat(resolver(registry.url()).resolve("ollama:tiny:1b")).isEqualTo(file);
            assertThat(registry.requests()).hasSize(requests);
            assertThatThrownBy(() -> resolver(registry.url()).resolve("ollama:missing"))
                    .isInstanceOf(ModelNotFoundException.class)
                    .hasMessageContaining("neither an installed Ollama nor");
        }
    }

    private Path store(Path store, String name, String digest) throws Exception {
        Path manifest = store.resolve("manifests/registry.ollama.ai").resolve(name);
        Files.createDirectories(manifest.getParent());
        Files.writeString(manifest, manifest(digest));
        Path blob = store.resolve("blobs").resolve(digest().replace(':', '-'));
        Files.createDirectories(blob.getParent());
        return Files.write(blob, model);
    }

    private String manifest(String digest) {
        return "{\"schemaVersion\":2,\"layers\":[{\"mediaType\":\"application/vnd.ollama.image.license\",\"digest\":\"x\","
                + "\"size\":1},{\"mediaType\":\"application/vnd.ollama.image.model\",\"digest\":\"" + digest
                + "\",\"size\":" + model.length + "}]}";
    }

    private String digest() throws Exception {
        return digest(model);
    }

    private Environment environment() {
        return new Environment(variables, home, "Linux");
    }

    private ModelResolver resolver(String registry) {
        return new ModelResolver(environment(), Reporter.SILENT, Duration.ofSeconds(2), URI.create(registry));
    }
}
