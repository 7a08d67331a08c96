package dev.nibble.cli.models;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Models of Ollama: in the store of an installed Ollama, which is only read, else from its registry into a store in our
 * own cache. A store has {@code manifests/HOST/NAMESPACE/NAME/TAG}, JSON that names {@code blobs/sha256-HEX}.
 */
final class Ollama {
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

    /**
     * The model if an installed Ollama, or our own cache, has it.
     *
     * @throws ModelNotFoundException if it is there, but is not one that can be run, or not whole
     */
    Optional<ResolvedModel> local(Locator.Ollama locator) throws IOException {
        for (Path store : stores()) {
            Path file = manifest(store, locator);
            if (Files.isRegularFile(file)) {
                Optional<OllamaManifest> manifest = OllamaManifest.parse(Files.readString(file));
                Optional<Path> blob = manifest.flatMap(found -> model(store, found));
                if (blob.isPresent()) {
                    return Optional.of(resolved(store, locator, manifest.get(), blob.get()));
                }
            }
        }
        return Optional.empty();
    }

    private static ResolvedModel resolved(Path store, Locator.Ollama locator, OllamaManifest manifest, Path blob)
            throws IOException {
        manifest.requireOneFile(locator);
        List<Path> adapters = new ArrayList<>();
        for (OllamaManifest.Layer layer : manifest.adapters()) {
            adapters.add(present(store, locator, layer));
        }
        return new ResolvedModel(blob, adapters, manifest.defaults(locator, layer -> content(store, locator, layer)));
    }

    private static Path present(Path store, Locator.Ollama locator, OllamaManifest.Layer layer) throws IOException {
        Path blob = blob(store, layer.requireHash(locator));
        if (!Files.isReadable(blob)) {
            throw new ModelNotFoundException(locator + ": its " + layer.kind() + " is missing (" + blob
                    + "); 'ollama pull' or 'nibble pull' gets the model again");
        }
        return blob;
    }

    private static byte[] content(Path store, Locator.Ollama locator, OllamaManifest.Layer layer) throws IOException {
        Hash hash = layer.requireHash(locator);
        Path blob = present(store, locator, layer);
        byte[] content = Files.readAllBytes(blob);
        MessageDigest digest = hash.start(content.length);
        if (!HexFormat.of().formatHex(digest.digest(content)).equals(hash.hex())) {
            throw new ModelNotFoundException(locator + ": its " + layer.kind() + " is damaged (" + blob
                    + " has another hash than its name says)");
        }
        return content;
    }

    /** All models in the stores that can be run, by locator; says which cannot. */
    Map<Locator.Ollama, Path> models() throws IOException {
        Map<Locator.Ollama, Path> models = new LinkedHashMap<>();
        for (Path store : stores()) {
            Path manifests = store.resolve("manifests");
            if (!Files.isDirectory(manifests)) {
                continue;
            }
            try (Stream<Path> files = Files.walk(manifests, 4)) {
                for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                    Path name = manifests.relativize(file);
                    if (name.getNameCount() == 4) {
                        Locator.Ollama locator = new Locator.Ollama(
                                name.getName(0).toString(),
                                name.getName(1).toString(),
                                name.getName(2).toString(),
                                name.getName(3).toString());
                        runnable(store, locator, file).ifPresent(path -> models.putIfAbsent(locator, path));
                    }
                }
            }
        }
        return models;
    }

    private Optional<Path> runnable(Path store, Locator.Ollama locator, Path manifest) throws IOException {
        Optional<OllamaManifest> found = OllamaManifest.parse(Files.readString(manifest));
        Optional<Path> blob = found.flatMap(layers -> model(store, layers));
        try {
            if (blob.isPresent()) {
                found.get().requireOneFile(locator);
            }
            return blob;
        } catch (ModelNotFoundException e) {
            reporter.say("Note: not listed: " + e.getMessage());
            return Optional.empty();
        }
    }

    /**
     * Pulls the model from the registry.
     *
     * @throws UnreachableException if the registry does not answer
     * @throws ModelNotFoundException if it has no such model
     */
    ResolvedModel pull(Locator.Ollama locator) throws IOException {
        URI host = locator.host().equals(Locator.OLLAMA_REGISTRY) ? registry : URI.create("https://" + locator.host());
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
            OllamaManifest manifest = OllamaManifest.parse(document.body())
                    .filter(found -> found.model().isPresent())
                    .orElseThrow(() -> new ModelNotFoundException(locator + ": its manifest names no model file"));
            manifest.requireOneFile(locator);
            Path store = ownStore(environment.cache());
            OllamaManifest.Layer model = manifest.model().orElseThrow();
            fetch(http, reporter, store, base, locator, model);
            for (OllamaManifest.Layer adapter : manifest.adapters()) {
                fetch(http, reporter, store, base, locator, adapter);
            }
            for (OllamaManifest.Layer text : manifest.texts()) {
                fetch(http, Reporter.SILENT, store, base, locator, text);
            }
            keep(store, locator, document.body());
            return resolved(store, locator, manifest, blob(store, model.requireHash(locator)));
        }
    }

    private void fetch(
            Http http, Reporter listener, Path store, String base, Locator.Ollama locator, OllamaManifest.Layer layer)
            throws IOException {
        Hash hash = layer.requireHash(locator);
        Path blob = blob(store, hash);
        FileLocks.holding(blob.resolveSibling(blob.getFileName() + ".lock"), reporter, () -> {
            if (!Files.exists(blob) || Files.size(blob) != layer.size()) {
                URI uri = URI.create(base + "/blobs/sha256:" + hash.hex());
                new Download(http, listener, patience)
                        .to(blob, new Download.Source(locator.toString(), uri, Map.of(), layer.size(), hash));
            }
            return blob;
        });
    }

    /** Writes the manifest when all that it names is there, at once. */
    private void keep(Path store, Locator.Ollama locator, String manifest) throws IOException {
        Path file = manifest(store, locator);
        FileLocks.holding(store.resolve("manifests.lock"), reporter, () -> {
            Path written = store.resolve("manifest.part");
            Files.writeString(written, manifest, StandardCharsets.UTF_8);
            Files.createDirectories(file.toAbsolutePath().getParent());
            return Files.move(written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        });
    }

    private static Path manifest(Path store, Locator.Ollama locator) {
        return store.resolve("manifests")
                .resolve(locator.host())
                .resolve(locator.namespace())
                .resolve(locator.name())
                .resolve(locator.tag());
    }

    private static Path ownStore(Path cache) {
        return cache.resolve("ollama");
    }

    private List<Path> stores() {
        List<Path> stores = new ArrayList<>();
        environment.folder("OLLAMA_MODELS").ifPresent(stores::add);
        environment.inHome(".ollama/models").ifPresent(stores::add);
        if (!environment.isWindows()) {
            stores.add(Path.of("/usr/share/ollama/.ollama/models"));
        }
        environment.findCache().map(Ollama::ownStore).ifPresent(stores::add);
        return stores.stream().filter(Files::isReadable).toList();
    }

    private static Path blob(Path store, Hash hash) {
        return store.resolve("blobs").resolve("sha256-" + hash.hex());
    }

    private static Optional<Path> model(Path store, OllamaManifest manifest) {
        return manifest.model()
                .flatMap(layer -> Optional.ofNullable(layer.hash()))
                .map(hash -> blob(store, hash))
                .filter(Files::isReadable);
    }
}
