package dev.nibble.tornado;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.UnsupportedModelException;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole models in plain Java, beside the CPU backend. */
class ModelTest {
    /** Tiny models whose blocks have nothing that the kernels lack. */
    static final List<String> SUPPORTED = List.of(
            "llama",
            "llama-tied",
            "llama-ropefreqs",
            "llama-linear",
            "llama-yarn",
            "llama-bias",
            "qwen2",
            "qwen3",
            "gemma2",
            "gemma3",
            "phi3",
            "phi3-longrope",
            "granite",
            "smollm3",
            "olmo2",
            "olmo3",
            "mistral3",
            "glm4");

    static final int ROWS = 24;

    @TempDir
    Path folder;

    static List<String> supported() {
        return SUPPORTED;
    }

    @ParameterizedTest
    @MethodSource("supported")
    void saysWhatTheCpuSays(String name) throws IOException {
        ModelOnDevice.check(new EmulatedDevice(), name, DType.F32, ModelOnDevice.OPTIONS, ROWS, folder);
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q6_K", "BF16"})
    void readsTheType(DType type) throws IOException {
        ModelOnDevice.check(new EmulatedDevice(), "llama-tied", type, ModelOnDevice.OPTIONS, ROWS, folder);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void leavesTheFirstLayersToTheCpu(int gpuLayers) throws IOException {
        ModelOnDevice.check(
                new EmulatedDevice(), "llama", DType.F32, ModelOnDevice.OPTIONS.withGpuLayers(gpuLayers), ROWS, folder);
    }

    @Test
    void splitsMatricesThatAreTooLarge() throws IOException {
        // mapped, then converted: each layer in an array of its own, matrices in pieces
        EmulatedDevice small = new EmulatedDevice(Long.MAX_VALUE, 170_000, 20_000);
        ModelOnDevice.check(small, "llama-bias", DType.F16, ModelOnDevice.OPTIONS, ROWS, folder);
        ModelOnDevice.check(small, "llama-bias", DType.BF16, ModelOnDevice.OPTIONS, ROWS, folder);
    }

    @Test
    void namesWhatItLacks() {
        check("llama-moe", "experts (block 0)");
        check("gpt-oss", "attention sinks (block 0)");
    }

    private void check(String name, String feature) {
        assertThatThrownBy(() ->
                        ModelOnDevice.check(new EmulatedDevice(), name, DType.F32, ModelOnDevice.OPTIONS, ROWS, folder))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessage("the backend tornado lacks " + feature + "; the backend cpu has them");
    }
}
