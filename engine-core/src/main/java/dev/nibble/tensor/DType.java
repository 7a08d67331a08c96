package dev.nibble.tensor;

import java.util.Optional;

/**
 * Element type of a tensor: every type ggml has or had. Ids and sizes are those of {@code ggml_type} in ggml.h.
 *
 * <p>A type stores {@link #blockSize()} consecutive elements of a row in {@link #blockBytes()} bytes; for plain types
 * the block is one element. Types that ggml removed are known by name ({@link #isRemoved()}), so that a file that uses
 * one can be refused with an explanation.
 */
public enum DType {
    F32(0, 1, 4),
    F16(1, 1, 2),
    Q4_0(2, 32, 18),
    Q4_1(3, 32, 20),
    Q4_2(4, "re-download the model as Q4_0"),
    Q4_3(5, "re-download the model as Q4_1"),
    Q5_0(6, 32, 22),
    Q5_1(7, 32, 24),
    Q8_0(8, 32, 34),
    Q8_1(9, 32, 36),
    Q2_K(10, 256, 84),
    Q3_K(11, 256, 110),
    Q4_K(12, 256, 144),
    Q5_K(13, 256, 176),
    Q6_K(14, 256, 210),
    Q8_K(15, 256, 292),
    IQ2_XXS(16, 256, 66),
    IQ2_XS(17, 256, 74),
    IQ3_XXS(18, 256, 98),
    IQ1_S(19, 256, 50),
    IQ4_NL(20, 32, 18),
    IQ3_S(21, 256, 110),
    IQ2_S(22, 256, 82),
    IQ4_XS(23, 256, 136),
    I8(24, 1, 1),
    I16(25, 1, 2),
    I32(26, 1, 4),
    I64(27, 1, 8),
    F64(28, 1, 8),
    IQ1_M(29, 256, 56),
    BF16(30, 1, 2),
    Q4_0_4_4(31, "re-download the model as Q4_0"),
    Q4_0_4_8(32, "re-download the model as Q4_0"),
    Q4_0_8_8(33, "re-download the model as Q4_0"),
    TQ1_0(34, 256, 54),
    TQ2_0(35, 256, 66),
    IQ4_NL_4_4(36, "re-download the model as IQ4_NL"),
    IQ4_NL_4_8(37, "re-download the model as IQ4_NL"),
    IQ4_NL_8_8(38, "re-download the model as IQ4_NL"),
    MXFP4(39, 32, 17),
    NVFP4(40, 64, 36),
    Q1_0(41, 128, 18),
    Q2_0(42, 64, 18);

    private static final DType[] VALUES = values();

    private final int id;
    private final int blockSize;
    private final int blockBytes;
    private final String remedy;

    DType(int id, int blockSize, int blockBytes) {
        this.id = id;
        this.blockSize = blockSize;
        this.blockBytes = blockBytes;
        this.remedy = "";
    }

    DType(int id, String remedy) {
        this.id = id;
        this.blockSize = 0;
        this.blockBytes = 0;
        this.remedy = remedy;
    }

    /** The type with this {@code ggml_type} id, or empty for an id that ggml never used. */
    public static Optional<DType> ofId(int id) {
        return id >= 0 && id < VALUES.length ? Optional.of(VALUES[id]) : Optional.empty();
    }

    /** The {@code ggml_type} id, as it stands in a GGUF file. */
    public int id() {
        return id;
    }

    /** Elements in a block; 1 for plain types. */
    public int blockSize() {
        return blockSize;
    }

    /** Bytes of a block. */
    public int blockBytes() {
        return blockBytes;
    }

    /** True for a type that ggml removed; no tensor can have it. */
    public boolean isRemoved() {
        return blockSize == 0;
    }

    /** For a removed type, what its user can do instead; empty otherwise. */
    public String remedy() {
        return remedy;
    }

    /** True when several elements share a scale. */
    public boolean isQuantized() {
        return blockSize > 1;
    }

    /** Bits a weight takes, scales included. */
    public double bitsPerWeight() {
        return 8.0 * blockBytes / blockSize;
    }

    /**
     * Bytes of {@code elements} consecutive elements.
     *
     * @throws IllegalArgumentException if {@code elements} is negative or no multiple of the block size
     * @throws ArithmeticException if the result does not fit a long
     */
    public long byteSize(long elements) {
        if (isRemoved()) {
            throw new IllegalArgumentException(this + " was removed from ggml: " + remedy);
        }
        if (elements < 0 || elements % blockSize != 0) {
            throw new IllegalArgumentException(
                    elements + " elements do not fill blocks of " + blockSize + " (" + this + ")");
        }
        return Math.multiplyExact(elements / blockSize, (long) blockBytes);
    }
}
