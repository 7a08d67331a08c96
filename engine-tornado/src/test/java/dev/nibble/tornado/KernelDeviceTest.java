package dev.nibble.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** Every kernel on the device that TornadoVM finds. */
@Tag("device")
class KernelDeviceTest {

    static Device device() {
        TornadoProbe probe = TornadoProbe.ofThisProcess();
        assertThat(probe.reason()).isEmpty();
        return Objects.requireNonNull(probe.device()).device();
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
