package dev.nibble.tornado;

import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole models on the device that TornadoVM finds, beside the CPU backend. */
@Tag("device")
class ModelDeviceTest {
    @TempDir
    Path folder;

    static List<String> supported() {
        return ModelTest.SUPPORTED;
    }

    @ParameterizedTest
    @MethodSource("supported")
    void saysWhatTheCpuSays(String name) throws IOException {
        ModelOnDevice.check(KernelDeviceTest.device(), name, DType.F16, ModelOnDevice.OPTIONS, ModelTest.ROWS, folder);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "Q4_0", "Q4_1", "Q8_0", "Q4_K", "Q6_K", "BF16"})
    void readsTheType(DType type) throws IOException {
        ModelOnDevice.check(
                KernelDeviceTest.device(), "llama-tied", type, ModelOnDevice.OPTIONS, ModelTest.ROWS, folder);
    }

    @Test
    void leavesTheFirstLayersToTheCpu() throws IOException {
        ModelOnDevice.check(
                KernelDeviceTest.device(),
                "llama",
                DType.Q8_0,
                ModelOnDevice.OPTIONS.withGpuLayers(2),
                ModelTest.ROWS,
                folder);
    }
}
