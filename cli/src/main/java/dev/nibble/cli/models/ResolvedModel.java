package dev.nibble.cli.models;

import java.nio.file.Path;

/**
 * A model that was found, or got.
 *
 * @param file its file; the first one of a split model
 * @param defaults what it comes with
 */
public record ResolvedModel(Path file, ModelDefaults defaults) {
    ResolvedModel(Path file) {
        this(file, ModelDefaults.NONE);
    }
}
