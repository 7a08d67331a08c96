package dev.nibble.testdata;

import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/** Tiny models, adapters beside them, and the models into which these are merged. */
final class AdapterFiles {
    static final int RANK = 4;
    /** Small enough that a sum in another order, times what the model makes of it, stays far below the bounds. */
    static final float ALPHA = 3;

    private final Path folder;

    /** Of files that are written there. */
    AdapterFiles(Path folder) {
        this.folder = folder;
    }

    /** The matrices that adapters of the tests change. */
    static boolean isMatrix(String name) {
        return Pattern.matches(
                "(blk\\.\\d+\\.(attn_(q|k|v|qkv|output)|ffn_(gate|up|down)(_exps|_shexp)?|ssm_in|ssm_out|shortconv\\.in_proj)|output)"
                        + "\\.weight",
                name);
    }

    Path base(String name) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        TinyModels.write(name, 1, file);
        return file;
    }

    Path adapter(Path base, long seed, Consumer<GgufWriter> changes) throws IOException {
        Path file = folder.resolve("adapter" + seed + ".gguf");
        try (GgufFile source = GgufFile.open(base)) {
            GgufWriter writer = TinyAdapters.writer(source, AdapterFiles::isMatrix, RANK, ALPHA, seed);
            changes.accept(writer);
            writer.write(file);
        }
        return file;
    }

    Path adapter(Path base, long seed) throws IOException {
        return adapter(base, seed, writer -> {});
    }

    Path merged(Path base, Path adapter, float scale) throws IOException {
        Path file = folder.resolve("merged-" + scale + "-" + adapter.getFileName());
        try (GgufFile source = GgufFile.open(base);
                GgufFile added = GgufFile.open(adapter)) {
            TinyAdapters.merge(source, added, scale, file);
        }
        return file;
    }
}
