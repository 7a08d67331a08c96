package dev.nibble.gguf;

import dev.nibble.tensor.DType;
import java.util.Locale;
import java.util.Optional;

/**
 * What a whole file can be quantized to. The name is the one files carry ({@code model-Q4_K_M.gguf}); a type stores most
 * tensors in its {@link #baseType}, and the mixes store in more bits what is worth it. {@code _S} is the smaller mix,
 * {@code _M} the better one.
 */
public enum QuantizationType {
    /** Everything in single precision: undoes a quantization, for comparisons. */
    F32(0, DType.F32),
    /** Half precision. */
    F16(1, DType.F16),
    /** The upper half of single precision. */
    BF16(32, DType.BF16),
    /** 8.5 bits per weight; practically without loss. */
    Q8_0(7, DType.Q8_0),
    /** 4.5 bits per weight, the simplest of the 4-bit types. */
    Q4_0(2, DType.Q4_0),
    /** 5 bits per weight. */
    Q4_1(3, DType.Q4_1),
    /** 5.5 bits per weight. */
    Q5_0(8, DType.Q5_0),
    /** 6 bits per weight. */
    Q5_1(9, DType.Q5_1),
    /** Q4_K, and Q5_K in the first layers. */
    Q4_K_S(14, DType.Q4_K),
    /** Q4_K, and Q6_K in half of the attention values and of the feed-forward outputs: the usual choice. */
    Q4_K_M(15, DType.Q4_K),
    /** Q5_K throughout. */
    Q5_K_S(16, DType.Q5_K),
    /** Q5_K, and Q6_K in half of the attention values and of the feed-forward outputs. */
    Q5_K_M(17, DType.Q5_K),
    /** 6.6 bits per weight. */
    Q6_K(18, DType.Q6_K);

    private final int fileType;
    private final DType baseType;

    QuantizationType(int fileType, DType baseType) {
        this.fileType = fileType;
        this.baseType = baseType;
    }

    /** The type of this name, in upper or lower case; {@code Q4_K} and {@code Q5_K} mean their {@code _M}. */
    public static Optional<QuantizationType> ofName(String name) {
        String upper = name.toUpperCase(Locale.ROOT);
        for (QuantizationType type : values()) {
            if (type.name().equals(upper) || type.name().equals(upper + "_M")) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }

    /** The value of {@code general.file_type}: a label, which no reader needs. */
    public int fileType() {
        return fileType;
    }

    /** The type of most tensors. */
    public DType baseType() {
        return baseType;
    }
}
