package dev.nibble.cli;

import dev.nibble.LoadOptions;
import dev.nibble.cli.models.LocalModels;
import dev.nibble.cli.models.Locator;
import dev.nibble.cli.models.ModelResolver;
import dev.nibble.cli.models.ResolvedModel;
import dev.nibble.server.ModelEntry;
import dev.nibble.server.ModelFinder;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** The models of this machine for a server: those in the caches, each by the name that {@code nibble list} shows, shortened. */
final class ServedModels implements ModelFinder {
    private final LocalModels local;
    private final ModelResolver resolver;
    private final UnaryOperator<LoadOptions> options;

    /**
     * @param resolver finds what models come with
     * @param options how they are loaded
     */
    ServedModels(LocalModels local, ModelResolver resolver, UnaryOperator<LoadOptions> options) {
        this.local = local;
        this.resolver = resolver;
        this.options = options;
    }

    @Override
    public List<String> names() throws IOException {
        return List.copyOf(found().keySet());
    }

    @Override
    public Optional<ModelEntry> find(String name) throws IOException {
        LocalModels.Found model = found().get(name);
        return model == null ? Optional.empty() : Optional.of(entry(name, resolver.open(model.locator())));
    }

    private Map<String, LocalModels.Found> found() throws IOException {
        Map<String, LocalModels.Found> found = new LinkedHashMap<>();
        for (LocalModels.Found model : local.find()) {
            found.putIfAbsent(name(model.locator()), model);
        }
        return found;
    }

    /** A model that was named on the command line, or found. */
    ModelEntry entry(String name, ResolvedModel model) throws IOException {
        PackagedDefaults packaged = new PackagedDefaults(model.defaults());
        Integer context = packaged.context();
        LoadOptions base = context == null ? LoadOptions.DEFAULT : LoadOptions.DEFAULT.withContextLength(context);
        ModelEntry entry =
                ModelEntry.of(name, model.file()).withLoad(options.apply(base)).withGeneration(packaged.options());
        String system = packaged.system(null);
        return system == null ? entry : entry.withSystem(system);
    }

    /** What clients call the model of a locator: what is before the last slash, and endings, tell them nothing. */
    static String name(String locator) {
        return switch (Locator.parse(locator)) {
            case Locator.File file -> withoutEnding(String.valueOf(file.path().getFileName()));
            case Locator.HuggingFace hub -> {
                String quant = hub.quant();
                String repository = hub.repository().replaceFirst("^.*/", "");
                yield quant == null
                        ? repository
                        : quant.endsWith(".gguf")
                                ? withoutEnding(quant.replaceFirst("^.*/", ""))
                                : repository + ":" + quant;
            }
            case Locator.Ollama ollama -> ollama.toString().substring("ollama:".length());
            case Locator.Pypi wheel -> wheel.name();
        };
    }

    private static String withoutEnding(String file) {
        return file.replaceFirst("(-00001-of-\\d{5})?\\.gguf$", "");
    }
}
