package dev.nibble.testdata;

import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;

/**
 * Tiny models with random weights, one for each architecture and variant: a few layers, a vocabulary of 288 tokens, a
 * context of 256, a sliding window of 16. What they say is noise; that it comes out the same in every way of evaluating
 * it is what tests check.
 */
public final class TinyModels {
    private TinyModels() {}

    /** The names of all models, as {@code llama} and {@code llama-tied}. */
    public static Set<String> names() {
        return TinyArchitectures.ALL.keySet();
    }

    /** The name that {@code general.architecture} of a model has. */
    public static String architecture(String name) {
        return TinyArchitectures.get(name).architecture();
    }

    /**
     * Writes a model in F32.
     *
     * @throws IllegalArgumentException if there is no model of this name
     */
    public static void write(String name, long seed, Path file) throws IOException {
        write(name, seed, DType.F32, file);
    }

    /**
     * Writes a model whose matrices have the type {@code dtype}, random in it and not rounded to it. Widths are larger
     * than in F32 where its blocks need that; norms, biases and routers are F32.
     *
     * @throws IllegalArgumentException if there is no model of this name, or {@code dtype} is no type of weights
     */
    public static void write(String name, long seed, DType dtype, Path file) throws IOException {
        TinyArchitectures.Recipe recipe = TinyArchitectures.get(name);
        ModelSketch model = new ModelSketch(
                recipe.architecture(),
                // llama.cpp expects certain tokens in a model with "phi3" in its name.
                "tiny random " + name.replace("phi3", "phi"),
                ModelSketch.TypeRule.all(dtype),
                Math.max(1, dtype.blockSize()),
                seed);
        recipe.tensors().accept(model);
        model.write(file);
    }

    /**
     * Writes a model: {@code TinyModels FILE [NAME [SEED [TYPE]]]}, by default {@code llama}, 1 and F32. Its folder is
     * created.
     */
    public static void main(String[] args) throws IOException {
        if (args.length < 1 || args.length > 4) {
            System.err.println("usage: TinyModels FILE [NAME [SEED [TYPE]]]\nNAME: " + String.join(", ", names()));
            System.exit(2);
        }
        String name = args.length > 1 ? args[1] : "llama";
        long seed = args.length > 2 ? Long.parseLong(args[2]) : 1;
        DType dtype = args.length > 3 ? DType.valueOf(args[3]) : DType.F32;
        Path file = Path.of(args[0]).toAbsolutePath();
        RandomModels.createFolderOf(file);
        write(name, seed, dtype, file);
        System.out.println(file);
    }
}
