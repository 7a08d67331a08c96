package dev.nibble.examples.models;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Models of Ollama: in the store of an installed Ollama, which is only read, else from its registry into our own cache.
 * A store has {@code manifests/HOST/NAMESPACE/NAME/TAG}, JSON that names {@code blobs/sha256-HEX}.
 */
final class Ollama {
    private static final String MODEL_LAYER = "application/vnd.ollama.image.model";
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final Environment environment;
    private final Reporter reporter;
    private final Duration patience;
    private final URI registry;

    /**
     * @param registry where models are pulled from when the locator names no other host
     */
    Ollama(Environment environment, Reporter reporter, Duration patience, URI registry) {
        this.environment = environment;
        this.reporter = reporter;
        this.patience = patience;
        this.registry = registry;
    }

    /** The model's file if an installed Ollama, or our own cache, has it. */
    Optional<Path> local(Locator.Ollama locator) throws IOException {
        for (Path store : stores()) {
            Path manifest = store.resolve("manifests")
                    .resolve(locator.host())
                    .resolve(locator.namespace())
                    .resolve(locator.name())
                    .resolve(locator.tag());
            if (Files.isRegularFile(manifest)) {
                Optional<Path> blob = blob(store, Files.readString(manifest));
                if (blob.isPresent()) {
                    return blob;
                }
            }
        }
        return Optional.of(target(locator)).filter(Files::isRegularFile);
    }

    /** All models in the stores of installed Ollamas, by locator. */
    Map<String, Path> models() throws IOException {
        Map<String, Path> models = new LinkedHashMap<>();
        for (Path store : stores()) {
            Path manifests = store.resolve("manifests");
            if (!Files.isDirectory(manifests)) {
                continue;
            }
            try (Stream<Path> files = Files.walk(manifests, 4)) {
                for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                    Path name = manifests.relativize(file);
                    if (name.getNameCount() == 4) {
                        String locator = new Locator.Ollama(
                                        name.getName(0).toString(),
                                        name.getName(1).toString(),
                                        name.getName(2).toString(),
                                        name.getName(3).toString())
                                .toString();
                        blob(store, Files.readString(file)).ifPresent(path -> models.putIfAbsent(locator, path));
                    }
                }
            }
        }
        return models;
    }

    /**
     * Pulls the model from the registry.
     *
     * @throws UnreachableException if the registry does not answer
     * @throws ModelNotFoundException if it has no such model
     */
    Path pull(Locator.Ollama locator) throws IOException {
        URI host = locator.host().equals("registry.ollama.ai") ? registry : URI.create("https://" + locator.host());
        String base = host + "/v2/" + locator.namespace() + "/" + locator.name();
        try (Http http = new Http(environment)) {
            Http.Document document = http.document(
                    URI.create(base + "/manifests/" + locator.tag()),
                    Map.of("Accept", "application/vnd.docker.distribution.manifest.v2+json"),
                    TIMEOUT);
            if (document.status() == 404) {
                throw new ModelNotFoundException(locator + ": neither an installed Ollama nor " + host.getHost()
                        + " has this model; 'ollama list' shows the installed ones");
            }
            if (document.status() != 200) {
                throw new UnreachableException(host.getHost() + " answered " + document.status());
            }
            Layer layer = modelLayer(document.body())
                    .orElseThrow(() -> new ModelNotFoundException(locator + ": its manifest names no model file"));
            Path target = target(locator);
            return FileLocks.holding(target.resolveSibling("lock"), reporter, () -> {
                if (!Files.exists(target)) {
                    URI uri = URI.create(base + "/blobs/sha256:" + layer.hash().hex());
                    new Download(http, reporter, patience)
                            .to(
                                    target,
                                    new Download.Source(locator.toString(), uri, Map.of(), layer.size(), layer.hash()));
                }
                return target;
            });
        }
    }

    private Path target(Locator.Ollama locator) {
        return environment
                .cache()
                .resolve("ollama")
                .resolve(locator.host())
                .resolve(locator.namespace())
                .resolve(locator.name())
                .resolve(locator.tag() + ".gguf");
    }

    private List<Path> stores() {
        List<Path> stores = new ArrayList<>();
        environment.get("OLLAMA_MODELS").map(environment::path).ifPresent(stores::add);
        stores.add(environment.home().resolve(".ollama/models"));
        if (!environment.isWindows()) {
            stores.add(Path.of("/usr/share/ollama/.ollama/models"));
        }
        return stores.stream().filter(Files::isReadable).toList();
    }

    private static Optional<Path> blob(Path store, String manifest) {
        return modelLayer(manifest)
                .map(layer ->
                        store.resolve("blobs").resolve("sha256-" + layer.hash().hex()))
                .filter(Files::isReadable);
    }

    /** What a manifest says of the model file. */
    private record Layer(Hash hash, long size) {}

    private static Optional<Layer> modelLayer(String manifest) {
        @Nullable Object value;
        try {
            value = JSON.std.anyFrom(manifest);
        } catch (IOException e) {
            return Optional.empty();
        }
        if (!(value instanceof Map<?, ?> map) || !(map.get("layers") instanceof List<?> layers)) {
            return Optional.empty();
        }
        for (Object item : layers) {
            if (item instanceof Map<?, ?> layer
                    && MODEL_LAYER.equals(layer.get("mediaType"))
                    && layer.get("digest") instanceof String digest
                    && layer.get("size") instanceof Number size
                    && digest.matches("sha256[:-][0-9a-f]{64}")) {
                return Optional.of(new Layer(Hash.sha256(digest.substring(7)), size.longValue()));
            }
        }
        return Optional.empty();
    }
}
