package dev.nibble.examples.models;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The models that are on this machine already, in our cache and in those of other tools. */
public final class LocalModels {
    private static final int MAX_DEPTH = 8;

    private final Environment environment;

    /**
     * @param environment of the process
     */
    public LocalModels(Environment environment) {
        this.environment = environment;
    }

    /**
     * A model that was found.
     *
     * @param source whose folder it is in
     * @param locator what to give {@code -m}: the shortest form that finds it
     * @param file the file, the first one of a split model
     */
    public record Found(String source, String locator, Path file) {}

    /** All of them. Folders that cannot be read are passed over. */
    public List<Found> find() throws IOException {
        List<Found> found = new ArrayList<>();
        for (Path file : files(environment.cache())) {
            found.add(new Found("nibble", ownLocator(file), file));
        }
        for (Path file : new HuggingFaceCache(environment.huggingFaceCache()).models()) {
            found.add(new Found("huggingface", huggingFaceLocator(file), file));
        }
        Ollama ollama = new Ollama(
                environment, Reporter.SILENT, Duration.ofSeconds(30), URI.create("https://registry.ollama.ai"));
        for (Map.Entry<String, Path> model : ollama.models().entrySet()) {
            found.add(new Found("ollama", model.getKey(), model.getValue()));
        }
        for (String folder : List.of(".lmstudio/models", ".cache/lm-studio/models")) {
            for (Path file : files(environment.home().resolve(folder))) {
                found.add(new Found("lmstudio", file.toString(), file));
            }
        }
        return found;
    }

    private String ownLocator(Path file) {
        Path relative = environment.cache().relativize(file);
        if (relative.getNameCount() == 3 && relative.startsWith("pypi")) {
            String folder = relative.getName(1).toString();
            // A folder of one version has it at its end; the path is then the surer name.
            return folder.matches(".*-\\d[\\w.]*\\.[\\w.]+") ? file.toString() : "pypi:" + folder;
        }
        return file.toString();
    }

    private String huggingFaceLocator(Path file) {
        Path relative = environment.huggingFaceCache().relativize(file);
        String repository =
                relative.getName(0).toString().substring("models--".length()).replaceFirst("--", "/");
        Path name = relative.subpath(3, relative.getNameCount());
        return "hf:" + repository + ":" + name.toString().replace('\\', '/');
    }

    private static List<Path> files(Path folder) throws IOException {
        if (!Files.isDirectory(folder) || !Files.isReadable(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(folder, MAX_DEPTH)) {
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
