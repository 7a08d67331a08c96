package dev.nibble;

import java.nio.file.Path;
import java.util.Objects;

/** An adapter (LoRA) in a file of its own, to be loaded beside a model. Immutable; start from {@link #of}. */
public final class AdapterFile {
    private final Path file;
    private final String name;
    private final float scale;

    private AdapterFile(Path file, String name, float scale) {
        this.file = file;
        this.name = name;
        this.scale = scale;
    }

    /** An adapter in a GGUF file, with the name of the file without {@code .gguf}, that counts as it was trained. */
    public static AdapterFile of(Path file) {
        Path name = Objects.requireNonNull(file, "file").getFileName();
        return new AdapterFile(file, String.valueOf(name).replaceFirst("(?i)\\.gguf$", ""), 1);
    }

    /** The GGUF file. */
    public Path file() {
        return file;
    }

    /** How {@link SessionOptions#withAdapter} names it. */
    public String name() {
        return name;
    }

    /** Another name; of a model's adapters each has its own. */
    public AdapterFile withName(String value) {
        if (Objects.requireNonNull(value, "name").isEmpty()) {
            throw new IllegalArgumentException("an adapter needs a name");
        }
        return new AdapterFile(file, value, scale);
    }

    /** What it adds is multiplied by this in sessions that choose no adapters. */
    public float scale() {
        return scale;
    }

    /** Another scale; with 0 it counts only in sessions that choose it. */
    public AdapterFile withScale(float value) {
        return new AdapterFile(file, name, requireScale(value));
    }

    static float requireScale(float scale) {
        if (!Float.isFinite(scale)) {
            throw new IllegalArgumentException("the scale of an adapter must be a finite number, not " + scale);
        }
        return scale;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof AdapterFile adapter
                && file.equals(adapter.file)
                && name.equals(adapter.name)
                && scale == adapter.scale;
    }

    @Override
    public int hashCode() {
        return Objects.hash(file, name, scale);
    }

    @Override
    public String toString() {
        return name + " (" + file + ", scale " + scale + ")";
    }
}
