package dev.nibble.testdata;

import dev.nibble.tensor.DType;
import dev.nibble.testdata.ModelSketch.Dimensions;
import dev.nibble.testdata.ModelSketch.TypeRule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Models of the shape of real ones with random weights, for measuring speed and memory without a download. Written as
 * fast as the disk takes them; nothing but a few megabytes is held.
 */
public final class RandomModels {

    private record Real(String architecture, Dimensions dimensions, float ropeBase, float epsilon) {}

    /** Experts of the one mixture: as many as a token uses of as many as there are, and their size. */
    private static final int EXPERTS = 32;

    private static final int EXPERTS_USED = 4;
    private static final int EXPERT_SIZE = 768;

    private static final Map<String, Real> ALL = all();

    private RandomModels() {}

    /** The names of all shapes, as {@code llama-3.2-1b}. */
    public static Set<String> names() {
        return ALL.keySet();
    }

    /**
     * Writes a model.
     *
     * @param name one of {@link #names}
     * @param type of the matrices: a {@link DType}, or {@code Q4_K_M} for the usual mix of Q4_K and Q6_K
     * @throws IllegalArgumentException if there is no such shape or type
     */
    public static void write(String name, String type, long seed, Path file) throws IOException {
        Real real = ALL.get(name);
        if (real == null) {
            throw new IllegalArgumentException("there is no shape '" + name + "', only " + String.join(", ", names()));
        }
        Dimensions d = real.dimensions;
        TypeRule types = type.equals("Q4_K_M") ? mix(d.layers()) : withFallback(DType.valueOf(type));
        ModelSketch m = new ModelSketch(real.architecture, "random " + name + " " + type, types, 1, seed);
        m.dimensions(d, real.ropeBase, real.epsilon).ends(true);
        switch (real.architecture) {
            case "llama" -> m.uint("rope.dimension_count", d.headDim()).layers(LayerSketch::llama);
            case "qwen3" -> m.layers(layer -> layer.llama().headNorms());
            case "qwen3moe" ->
                m.uint("expert_count", EXPERTS)
                        .uint("expert_used_count", EXPERTS_USED)
                        .uint("expert_feed_forward_length", EXPERT_SIZE)
                        .layers(layer -> layer.norm("attn_norm")
                                .attention()
                                .headNorms()
                                .norm("ffn_norm")
                                .experts(EXPERTS, EXPERT_SIZE));
            default -> throw new IllegalArgumentException(real.architecture);
        }
        m.write(file);
    }

    /** Writes a model: {@code RandomModels SHAPE TYPE FILE [SEED]}. */
    public static void main(String[] args) throws IOException {
        if (args.length < 3 || args.length > 4) {
            System.err.println("usage: RandomModels SHAPE TYPE FILE [SEED]\nSHAPE: " + String.join(", ", names())
                    + "\nTYPE: Q4_K_M or a tensor type as Q8_0");
            System.exit(2);
        }
        Path file = Path.of(args[2]).toAbsolutePath();
        createFolderOf(file);
        long start = System.nanoTime();
        write(args[0], args[1], args.length > 3 ? Long.parseLong(args[3]) : 1, file);
        double seconds = (System.nanoTime() - start) / 1e9;
        double megabytes = Files.size(file) / 1e6;
        System.out.printf(
                Locale.ROOT, "%s: %.0f MB in %.1f s (%.0f MB/s)%n", file, megabytes, seconds, megabytes / seconds);
    }

    static void createFolderOf(Path file) throws IOException {
        Path folder = file.getParent();
        if (folder != null) {
            Files.createDirectories(folder);
        }
    }

    private static Map<String, Real> all() {
        Map<String, Real> all = new LinkedHashMap<>();
        all.put("smollm2-135m", new Real("llama", new Dimensions(30, 576, 1536, 9, 3, 64, 49152, 8192), 100000, 1e-5f));
        all.put(
                "llama-3.2-1b",
                new Real("llama", new Dimensions(16, 2048, 8192, 32, 8, 64, 128256, 131072), 500000, 1e-5f));
        all.put(
                "llama-3.1-8b",
                new Real("llama", new Dimensions(32, 4096, 14336, 32, 8, 128, 128256, 131072), 500000, 1e-5f));
        all.put(
                "qwen3-0.6b",
                new Real("qwen3", new Dimensions(28, 1024, 3072, 16, 8, 128, 151936, 40960), 1000000, 1e-6f));
        all.put(
                "qwen3-4b",
                new Real("qwen3", new Dimensions(36, 2560, 9728, 32, 8, 128, 151936, 40960), 1000000, 1e-6f));
        // No real model: 1.4 billion weights, a quarter billion of them used for a token.
        all.put(
                "moe-1.4b",
                new Real("qwen3moe", new Dimensions(16, 1024, 3072, 16, 4, 128, 151936, 40960), 1000000, 1e-6f));
        return Collections.unmodifiableMap(all);
    }

    /** One type, but what llama.cpp falls back to where rows do not fill its blocks. */
    private static TypeRule withFallback(DType dtype) {
        return (name, columns) -> {
            if (columns % dtype.blockSize() == 0) {
                return dtype;
            }
            DType fallback = switch (dtype) {
                case Q4_K -> DType.Q5_0;
                case Q5_K -> DType.Q5_1;
                case Q6_K -> DType.Q8_0;
                case Q2_K, Q3_K -> DType.Q4_0;
                default -> DType.IQ4_NL;
            };
            return columns % fallback.blockSize() == 0 ? fallback : DType.F16;
        };
    }

    /** Q4_K, and Q6_K for the output matrix and, in half of the layers, for values and the way down. */
    private static TypeRule mix(int layers) {
        return (name, columns) -> {
            boolean six = name.equals("token_embd.weight") || name.equals("output.weight");
            if (name.contains("attn_v.") || name.contains("ffn_down")) {
                int layer = Integer.parseInt(name.split("\\.")[1]);
                six = layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
            }
            return withFallback(six ? DType.Q6_K : DType.Q4_K).dtype(name, columns);
        };
    }
}
