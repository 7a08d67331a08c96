package dev.nibble.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every kernel in plain Java, beside what it should give. */
class KernelTest {

    @TestFactory
    Stream<DynamicTest> kernelsGiveWhatTheyShould() {
        return KernelChecks.of(KernelChecks.TYPES, KernelChecks.ACTIVATIONS).stream()
                .map(check -> DynamicTest.dynamicTest(check.name(), () -> {
                    assertThat(check.failure()).as("before it ran").isNotEmpty();
                    try (Device.Program program =
                            new EmulatedDevice().prepare(List.of(), List.of(), List.of(check.graph()), List.of())) {
                        program.run(check.graph());
                    }
                    assertThat(check.failure()).isEmpty();
                }));
    }
}
