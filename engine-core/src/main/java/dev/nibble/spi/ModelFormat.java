package dev.nibble.spi;

import dev.nibble.model.ModelSource;
import java.io.IOException;
import java.nio.file.Path;

/** Opens model files of one format; found through {@link java.util.ServiceLoader}. */
public interface ModelFormat {

    /** The format's name, as {@code GGUF}. */
    String name();

    /** Whether the file starts like one of this format; reads a few bytes at most. */
    boolean recognizes(Path file) throws IOException;

    /**
     * Maps and checks the file.
     *
     * @throws dev.nibble.ModelFormatException if the file is damaged
     * @throws dev.nibble.UnsupportedModelException if it uses something this version does not read
     */
    ModelSource open(Path file) throws IOException;
}
