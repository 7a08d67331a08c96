package dev.nibble.cpu.quant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ConformanceData;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every dequantizer gives the values of ggml's reference code to the last bit, signs of zero included. */
class QuantsConformanceTest {

    @Test
    void fileHoldsEveryTypeThatHasAReference() throws IOException {
        assertThat(tensors().keySet().stream().filter(name -> !name.endsWith(".f32")))
                .hasSize(27);
    }

    @TestFactory
    Stream<DynamicTest> valuesAreBitExact() throws IOException {
        Map<String, Tensor> tensors = tensors();
        return tensors.keySet().stream()
                .filter(name -> !name.endsWith(".f32"))
                .map(name -> DynamicTest.dynamicTest(
                        name, () -> assertBitExact(required(tensors, name), required(tensors, name + ".f32"))));
    }

    private static Map<String, Tensor> tensors() throws IOException {
        return QuantsFile.read(ConformanceData.require("quants.gguf"));
    }

    private static Tensor required(Map<String, Tensor> tensors, String name) {
        return Objects.requireNonNull(tensors.get(name), name);
    }

    private static void assertBitExact(Tensor tensor, Tensor reference) {
        float[] expected = rows(reference);
        float[] actual = rows(tensor);
        for (int i = 0; i < expected.length; i++) {
            assertThat(Float.floatToRawIntBits(actual[i]))
                    .as(
                            "%s row %d column %d: expected %s, found %s",
                            tensor.name(), i / 512, i % 512, expected[i], actual[i])
                    .isEqualTo(Float.floatToRawIntBits(expected[i]));
        }
    }

    private static float[] rows(Tensor tensor) {
        float[] values = new float[(int) tensor.shape().elements()];
        tensor.dequantizeRows(0, (int) tensor.rows(), values, 0);
        return values;
    }
}
