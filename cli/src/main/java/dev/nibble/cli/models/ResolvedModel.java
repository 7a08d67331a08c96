package dev.nibble.cli.models;

import dev.nibble.AdapterFile;
import dev.nibble.LoadOptions;
import java.nio.file.Path;
import java.util.List;

/**
 * A model that was found, or got.
 *
 * @param file its file; the first one of a split model
 * @param adapters what is to be loaded beside it, in order; often none
 * @param defaults what it comes with
 */
public record ResolvedModel(Path file, List<Path> adapters, ModelDefaults defaults) {

    public ResolvedModel {
        adapters = List.copyOf(adapters);
    }

    /** A model that is one file and comes with nothing. */
    public ResolvedModel(Path file) {
        this(file, List.of(), ModelDefaults.NONE);
    }

    /** Options with its adapters, which every use of the model needs. */
    public LoadOptions onto(LoadOptions options) {
        LoadOptions with = options;
        for (Path adapter : adapters) {
            String name = adapters.size() == 1 ? "adapter" : "adapter " + (adapters.indexOf(adapter) + 1);
            with = with.withAdapter(AdapterFile.of(adapter).withName(name));
        }
        return with;
    }
}
