package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ActivationType;
import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.gguf.GgufFile;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whole models through every path of the kernels: from the rearranged and from the mapped weights, with activations of 8
 * bits and exact ones. The build runs it for the scalar kernels, for each vector width and for machine code, one Java process
 * each, because the choice is made once in a process; which it should be is in the system properties.
 */
@Tag("kernel-path")
class KernelPathsTest {
    private static final String FAMILY = System.getProperty("nibble.kernels", "vector");
    private static final String BITS = System.getProperty("nibble.vector.bits", "");

    /** One for each type with a layout of its own, of several architectures. */
    private static final List<String> TINY = List.of(
            "llama-Q4_0",
            "llama-bias-Q4_1",
            "qwen2-Q5_0",
            "phi3-Q5_1",
            "qwen3-Q8_0",
            "llama-moe-Q4_K",
            "smollm3-Q5_K",
            "olmo2-Q6_K",
            "deepseek2");

    /** Of the conformance data: types with exact kernels, a mix, experts, sinks, recurrent layers. */
    private static final List<String> CONFORMANCE = List.of(
            "archs/gemma3",
            "archs/qwen35",
            "quant-models/llama-F16",
            "quant-models/llama-BF16",
            "quant-models/llama-Q2_K",
            "quant-models/llama-Q3_K",
            "quant-models/llama-Q4_K_M",
            "quant-models/llama-IQ4_NL",
            "quant-models/llama-IQ4_XS",
            "quant-models/llama-IQ3_S",
            "quant-models/llama-IQ2_XS",
            "quant-models/llama-IQ1_M",
            "quant-models/llama-NVFP4",
            "quant-models/llama-Q1_0",
            "quant-models/qwen3moe-Q8_0",
            "quant-models/gpt-oss-MXFP4");

    private static final Set<DType> REARRANGED = Set.of(
            DType.Q4_0,
            DType.Q4_1,
            DType.Q5_0,
            DType.Q5_1,
            DType.Q8_0,
            DType.Q2_K,
            DType.Q3_K,
            DType.Q4_K,
            DType.Q5_K,
            DType.Q6_K);

    /** Those that machine code multiplies with exact activations. */
    private static final Set<DType> FLOATS = Set.of(DType.F16, DType.BF16, DType.F32);

    /** What the kernels of the types above say of themselves, and no others. */
    private static final String ROUNDED = "8 bit activations";

    @TempDir
    Path folder;

    @BeforeAll
    static void needsKernels() {
        Evaluation.assumeKernels();
    }

    static Stream<Arguments> modelsAndPaths() {
        List<String> names = new ArrayList<>(TINY);
        if (ProcessorVectors.areEmulated()) { // each layout by itself: all takes minutes
            return names.stream().map(name -> Arguments.of(name, ActivationType.Q8, true));
        }
        if (Conformance.isPresent()) {
            names.addAll(CONFORMANCE);
        }
        return names.stream()
                .flatMap(name -> Stream.of(
                        Arguments.of(name, ActivationType.Q8, true),
                        Arguments.of(name, ActivationType.Q8, false),
                        Arguments.of(name, ActivationType.F32, true)));
    }

    @ParameterizedTest(name = "{0}, {1} activations, repack {2}")
    @MethodSource("modelsAndPaths")
    void logitsMatchTheReference(String name, ActivationType activations, boolean repack) throws IOException {
        boolean tiny = TINY.contains(name);
        Path file = tiny ? folder.resolve(name + ".gguf") : Conformance.path(name + ".gguf");
        Reference reference = tiny ? Reference.ofTinyModel(name) : Reference.beside(file);
        if (tiny) {
            reference.writeTinyModel(name, file);
        }
        LoadOptions options =
                LoadOptions.DEFAULT.withThreads(2).withActivations(activations).withRepack(repack);
        try (Backend backend = Evaluation.openBackend(options);
                GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source)) {
            boolean rounds = repack && activations == ActivationType.Q8;
            assertThat(pass.kernels()).isNotEmpty().allSatisfy((dtype, kernel) -> {
                assertThat(kernel).startsWith(family(dtype, repack, rounds));
                assertThat(kernel.contains(ROUNDED)).isEqualTo(rounds && rounds(dtype));
            });
            boolean rounded = pass.kernels().toString().contains(ROUNDED);
            boolean interleaved = pass.kernels().toString().contains("interleaved");
            int count = reference.tokens().length;
            // The promise is that of machine code, and of types that only it multiplies.
            boolean isInvariant =
                    pass.kernels().values().stream().allMatch(kernel -> kernel.startsWith("machine code"));
            float @Nullable [] whole = null;
            for (int chunk : new int[] {count, 1, 7}) {
                float[] logits = Evaluation.evaluate(pass, reference.tokens(), KvCacheType.F32, chunk);
                whole = whole == null ? logits : whole;
                if (isInvariant) {
                    assertThat(logits).as("in chunks of " + chunk).isEqualTo(whole);
                }
                assertThat(reference.error(logits))
                        .as("normalized squared error in chunks of " + chunk)
                        .isLessThan(limit(name, rounded));
                assertThat(reference.differences(logits))
                        .as("positions with another best token in chunks of " + chunk)
                        .hasSizeLessThanOrEqualTo(rounded ? count / 10 : 0);
                if (!rounded && !interleaved && !isInvariant && activations == ActivationType.Q8) {
                    break; // the kernels are those of exact activations
                }
            }
        }
    }

    private static String family(DType dtype, boolean repack, boolean rounds) {
        return switch (FAMILY) {
            case "scalar" -> FAMILY;
            case "machine" -> (FLOATS.contains(dtype) ? repack : rounds && rounds(dtype)) ? "machine code" : "vector";
            default -> "vector " + BITS;
        };
    }

    private static boolean rounds(DType dtype) {
        return switch (FAMILY) {
            case "scalar" -> false;
            case "machine" -> !FLOATS.contains(dtype);
            default -> REARRANGED.contains(dtype);
        };
    }

    private static double limit(String name, boolean rounded) {
        if (!rounded) {
            return 1e-9;
        }
        return name.contains("moe") || name.contains("gpt-oss") ? 2e-2 : 1e-3; // one changed expert moves a row
    }
}
