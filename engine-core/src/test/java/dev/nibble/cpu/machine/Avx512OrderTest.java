package dev.nibble.cpu.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.tensor.DType;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The order in which AVX-512 code adds to outputs, read from its bytes: so it is known on processors that do not run it. What is
 * added are exact sums of integers times scales, and minima; where kernels for few inputs and tiles add them in one order, their
 * outputs are the same to the last bit.
 */
class Avx512OrderTest {
    private static final int VFMADD231PS = 0xB8;

    static Stream<DType> quantizedTypes() {
        return Arrays.stream(DType.values()).filter(dtype -> Form.of(dtype) != null);
    }

    @ParameterizedTest
    @MethodSource("quantizedTypes")
    void fewInputsAndTilesAddInOneOrder(DType dtype) {
        Form form = Objects.requireNonNull(Form.of(dtype));
        TileShape shape = form.tileShape();
        String expected = (shape.minima() ? "sum minimum " : "sum ").repeat(shape.scales());
        Emitter emitter = new Avx512Emitter();
        for (int inputs = 1; inputs <= emitter.mostOfFew(); inputs++) {
            assertThat(additions(emitter.few(form, inputs)).values())
                    .as("few %d", inputs)
                    .hasSize(inputs)
                    .containsOnly(expected);
        }
        for (int inputs = 1; inputs <= emitter.mostOfTile(); inputs++) {
            assertThat(additions(emitter.tile(shape, inputs)).values())
                    .as("tile %d", inputs)
                    .hasSize(inputs)
                    .containsOnly(expected);
        }
    }

    /**
     * What is added to each register of outputs, in the order of the code: products of two registers are sums times scales, and
     * those of a register and memory minima times totals.
     */
    private static Map<Integer, String> additions(byte[] code) {
        Map<Integer, String> additions = new TreeMap<>();
        for (int i = 0; i + 5 < code.length; i++) {
            int first = code[i + 1];
            // Intel's manual, volume 2, 2.7.1: EVEX prefix, opcode map 0F38, prefix 66, W 0
            boolean isEvex = (code[i] & 0xff) == 0x62 && (first & 0x07) == 2 && (code[i + 2] & 0x87) == 0x05;
            if (isEvex && (code[i + 4] & 0xff) == VFMADD231PS) {
                int register = (~first & 0x10) | (~first & 0x80) >> 4 | code[i + 5] >> 3 & 7;
                boolean isRegister = (code[i + 5] & 0xC0) == 0xC0;
                additions.merge(register, isRegister ? "sum " : "minimum ", String::concat);
            }
        }
        return additions;
    }
}
