package dev.nibble.examples.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
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
        return "sha256:"
                + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(model));
    }

    private Environment environment() {
        return new Environment(variables, home, "Linux");
    }

    private ModelResolver resolver(String registry) {
        return new ModelResolver(environment(), Reporter.SILENT, Duration.ofSeconds(2), URI.create(registry));
    }
}
