package dev.nibble.cli.models;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The models that are on this machine already, in our cache and in those of other tools. */
public final class LocalModels {
    private static final int MAX_DEPTH = 8;

    private final Environment environment;
    private final Reporter reporter;
    private final ModelResolver resolver;

    /**
     * @param environment of the process
     * @param reporter hears of models that are there, but cannot be run
     */
    public LocalModels(Environment environment, Reporter reporter) {
        this.environment = environment;
        this.reporter = reporter;
        this.resolver = new ModelResolver(environment, Reporter.SILENT);
    }

    /**
     * A model that was found.
     *
     * @param source whose folder it is in
     * @param locator what to give {@code -m}: the shortest form that finds this file
     * @param file the file, the first one of a split model
     */
    public record Found(String source, String locator, Path file) {}

    /** All of them. Folders that cannot be read are passed over. */
    public List<Found> find() throws IOException {
        List<Found> found = new ArrayList<>();
        for (Path file : files(environment.findCache())) {
            found.add(found("nibble", file, ownNames(environment.cache().relativize(file))));
        }
        Optional<Path> hub = environment.findHuggingFaceCache();
        if (hub.isPresent()) {
            for (Path file : new HuggingFaceCache(hub.get()).models()) {
                found.add(found(
                        "huggingface", file, List.of(huggingFaceName(hub.get().relativize(file)))));
            }
        }
        Ollama ollama =
                new Ollama(environment, reporter, Duration.ofSeconds(30), URI.create("https://registry.ollama.ai"));
        for (Map.Entry<Locator.Ollama, Path> model : ollama.models().entrySet()) {
            found.add(found("ollama", model.getValue(), List.of(model.getKey().toString())));
        }
        for (String folder : List.of(".lmstudio/models", ".cache/lm-studio/models")) {
            for (Path file : files(environment.inHome(folder))) {
                found.add(found("lmstudio", file, List.of()));
            }
        }
        return found;
    }

    /** With the first of the names that leads to this very file, else its path. */
    private Found found(String source, Path file, List<String> names) {
        String name = names.stream()
                .filter(candidate -> leadsTo(candidate, file))
                .findFirst()
                .orElseGet(() -> new Locator.File(file).toString());
        return new Found(source, name, file);
    }

    private boolean leadsTo(String name, Path file) {
        try {
            return resolver.cached(Locator.parse(name)).map(ResolvedModel::file).equals(Optional.of(file));
        } catch (IOException | IllegalArgumentException e) {
            return false;
        }
    }

    /** A folder of one version has it at its end; a name may have dashes and digits too. */
    private static List<String> ownNames(Path relative) {
        if (relative.getNameCount() != 3 || !relative.startsWith("pypi")) {
            return List.of();
        }
        String folder = relative.getName(1).toString();
        List<String> names = new ArrayList<>(List.of("pypi:" + folder));
        for (int dash = folder.lastIndexOf('-'); dash > 0; dash = folder.lastIndexOf('-', dash - 1)) {
            names.add("pypi:" + folder.substring(0, dash) + "==" + folder.substring(dash + 1));
        }
        return names;
    }

    private static String huggingFaceName(Path relative) {
        String repository =
                relative.getName(0).toString().substring("models--".length()).replaceFirst("--", "/");
        Path name = relative.subpath(3, relative.getNameCount());
        return "hf:" + repository + ":" + name.toString().replace('\\', '/');
    }

    private static List<Path> files(Optional<Path> folder) throws IOException {
        if (folder.isEmpty() || !Files.isDirectory(folder.get()) || !Files.isReadable(folder.get())) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder.get(), MAX_DEPTH)) {
            return files.filter(file -> file.toString().endsWith(".gguf"))
                    .filter(file -> !file.toString().matches(".*-(?!00001)\\d{5}-of-\\d{5}\\.gguf"))
                    .filter(Files::isRegularFile)
                    .sorted()
                    .toList();
        } catch (java.io.UncheckedIOException e) {
            return List.of();
        }
    }
}
