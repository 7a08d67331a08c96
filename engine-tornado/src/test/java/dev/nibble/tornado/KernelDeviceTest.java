package dev.nibble.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every kernel on the device that TornadoVM finds. */
@Tag("device")
class KernelDeviceTest {

    static Device device() {
        TornadoProbe probe = TornadoProbe.ofThisProcess();
        assertThat(probe.reason()).isEmpty();
        return Objects.requireNonNull(probe.device()).device();
    }

    @Test
    void refusesCudaGraphsOfOtherDrivers() {
        Device device = device();
        assumeTrue(device.description().contains("(opencl,"), "the device is of CUDA: " + device.description());
        System.setProperty(TornadoGpu.CUDA_GRAPHS_PROPERTY, "true");
        try {
            assertThatThrownBy(() -> device.prepare(List.of(), List.of(), List.of(), List.of()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("nibble.tornado.cudaGraphs needs the driver cuda or ptx, but the device is "
                            + device.description());
        } finally {
            System.clearProperty(TornadoGpu.CUDA_GRAPHS_PROPERTY);
        }
    }

    @TestFactory
    Stream<DynamicTest> kernelsGiveWhatTheyShould() {
        Device device = device();
        return KernelChecks.of(KernelChecks.TYPES, KernelChecks.ACTIVATIONS).stream()
                .map(check -> DynamicTest.dynamicTest(check.name() + " on " + device.description(), () -> {
                    assertThat(check.failure()).as("before it ran").isNotEmpty();
                    try (Device.Program program =
                            device.prepare(List.of(), List.of(), List.of(check.graph()), List.of())) {
                        program.run(check.graph());
                    }
                    assertThat(check.failure()).isEmpty();
                }));
    }
}
