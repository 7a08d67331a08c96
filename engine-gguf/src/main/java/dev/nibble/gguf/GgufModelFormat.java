package dev.nibble.gguf;

import dev.nibble.model.ModelSource;
import dev.nibble.spi.ModelFormat;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Makes GGUF files known to {@link dev.nibble.LanguageModel}. */
public final class GgufModelFormat implements ModelFormat {

    /** For {@link java.util.ServiceLoader}. */
    public GgufModelFormat() {}

    @Override
    public String name() {
        return "GGUF";
    }

    @Override
    public boolean recognizes(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            return false;
        }
        try (InputStream in = Files.newInputStream(file)) {
            byte[] magic = in.readNBytes(Integer.BYTES);
            return magic.length == Integer.BYTES
                    && ByteBuffer.wrap(magic).order(ByteOrder.LITTLE_ENDIAN).getInt() == GgufParser.MAGIC;
        }
    }

    @Override
    public ModelSource open(Path file) throws IOException {
        return GgufFile.open(file);
    }
}
