package dev.nibble;

import java.nio.file.Path;
import java.util.Objects;

/**
 * An adapter (LoRA) in a file of its own, to be loaded beside a model.
 *
 * @param name how {@link SessionOptions#withAdapter} names it; of a model's adapters each has another
 * @param file a GGUF file
 * @param scale what it adds is multiplied by this in sessions that choose no adapters; 0 if it does not count there
 */
public record AdapterFile(String name, Path file, float scale) {

    /** Checks the parts. */
    public AdapterFile {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(file, "file");
        requireScale(scale);
        if (name.isEmpty()) {
            throw new IllegalArgumentException("an adapter needs a name");
        }
    }

    /** An adapter with the name of its file, without {@code .gguf}, that counts as it was trained. */
    public static AdapterFile of(Path file) {
        return of(file, 1);
    }

    /** Likewise with another scale. */
    public static AdapterFile of(Path file, float scale) {
        Path name = Objects.requireNonNull(file, "file").getFileName();
        return new AdapterFile(String.valueOf(name).replaceFirst("(?i)\\.gguf$", ""), file, scale);
    }

    static float requireScale(float scale) {
        if (!Float.isFinite(scale)) {
            throw new IllegalArgumentException("the scale of an adapter must be a finite number, not " + scale);
        }
        return scale;
    }
}
