package dev.nibble.cpu.machine;

import dev.nibble.cpu.quant.QuantReader;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * How a tensor type is laid out with {@link #ROWS} rows side by side, so that a line of 64 bytes has four columns or more of
 * each: {@code weight = scale · (quant - center) + minimum}.
 *
 * <p>A group of rows is a sequence of blocks of 32 columns, each its {@link Quants} and then its {@link Scales}; before the
 * eight blocks of a super-block are the scales of that. So it is read in one stream.
 *
 * @param center a power of two, or 0
 * @param levels what quants stand for, each plus the center; null if for themselves
 * @param source of the quants; null if {@code quantReader} reads them
 * @param quantReader of the quants; null if they have a source
 * @param scaleReader of the scales
 */
record Form(
        DType dtype,
        Quants quants,
        int center,
        byte @Nullable [] levels,
        Scales scales,
        @Nullable Source source,
        @Nullable QuantReader quantReader,
        ScaleReader scaleReader) {
    /** Rows of a group. */
    static final int ROWS = 16;

    /** Columns of a block. */
    static final int BLOCK = 32;

    /** Columns of a super-block, and its blocks. */
    static final int SUPER_BLOCK = 256;

    static final int SUPER_BLOCKS = SUPER_BLOCK / BLOCK;

    /** Reads the scales of a row. */
    @FunctionalInterface
    interface ScaleReader {
        /**
         * @param in whole blocks of the file
         * @param row of the group
         * @param out the scales of all rows of the group, in the order of the form with no quants between
         */
        void read(Form form, byte[] in, int columns, int row, byte[] out);
    }

    /** The form of a type; null if it has none. */
    static @Nullable Form of(DType dtype) {
        return switch (dtype) {
            case Q4_0 -> of(dtype, Quants.FOUR, 8, Scales.HALF, Source.halves(1, 2), ScaleReaders::halves);
            case Q4_1 -> of(dtype, Quants.FOUR, 0, Scales.HALF_AND_MINIMUM, Source.halves(1, 4), ScaleReaders::halves);
            case Q5_0 -> five(dtype, 16, Scales.HALF, QuantReader.q5(22));
            case Q5_1 -> five(dtype, 0, Scales.HALF_AND_MINIMUM, QuantReader.q5(24));
            case Q8_0 -> of(dtype, Quants.EIGHT, 128, Scales.HALF, Source.q8(), ScaleReaders::halves);
            case Q2_K -> of(dtype, Quants.TWO, 0, Scales.NIBBLES_AND_MINIMA, Source.q2k(), ScaleReaders::q2k);
            case Q3_K -> of(dtype, Quants.THREE, 4, Scales.BYTES, Source.q3k(), ScaleReaders::q3k);
            case Q4_K -> of(dtype, Quants.FOUR, 0, Scales.BYTE_AND_MINIMUM, Source.q4k(), ScaleReaders::q45k);
            case Q5_K -> of(dtype, Quants.FIVE, 0, Scales.BYTE_AND_MINIMUM, Source.q5k(), ScaleReaders::q45k);
            case Q6_K -> of(dtype, Quants.SIX, 32, Scales.BYTES, Source.q6k(), ScaleReaders::q6k);
            default -> LevelForms.of(dtype);
        };
    }

    private static Form of(DType dtype, Quants quants, int center, Scales scales, Source source, ScaleReader reader) {
        return new Form(dtype, quants, center, null, scales, source, null, reader);
    }

    /** Whose fifth bits lie together. */
    private static Form five(DType dtype, int center, Scales scales, QuantReader reader) {
        return new Form(dtype, Quants.FIVE, center, null, scales, null, reader, ScaleReaders::halves);
    }

    /** Whether a matrix has whole blocks, and at least one: the loops of kernels rely on it. */
    boolean fits(Tensor weight) {
        int columns = Math.max(BLOCK, dtype.blockSize());
        return weight.rows() > 0 && weight.columns() > 0 && weight.columns() % columns == 0;
    }

    /** The largest quant, or level plus center. */
    int largest() {
        int largest = (1 << quants.bits()) - 1;
        if (levels != null) {
            largest = 0;
            for (byte level : levels) {
                largest = Math.max(largest, level & 0xff);
            }
        }
        return largest;
    }

    /** Whether a scale is that of 256 columns, in parts. */
    boolean hasSuperBlocks() {
        return scales.superBytes > 0;
    }

    /** Bytes of a block. */
    int blockBytes() {
        return quants.bytes() + scales.blockBytes;
    }

    /** Bytes of so many columns of a group. */
    long bytes(int columns) {
        return (long) columns / BLOCK * blockBytes() + (long) columns / SUPER_BLOCK * scales.superBytes;
    }

    // Scales are written without the quants between them first, see ScaleReader.

    /** Bytes of the scales of so many columns. */
    int scaleBytes(int columns) {
        return columns / BLOCK * scales.blockBytes + columns / SUPER_BLOCK * scales.superBytes;
    }

    /** Where those of a super-block begin, among scales. */
    int superAt(int superBlock) {
        return superBlock * (scales.superBytes + SUPER_BLOCKS * scales.blockBytes);
    }

    /** Where those of a block begin, among scales. */
    int scalesAt(int block) {
        int heads = hasSuperBlocks() ? (block / SUPER_BLOCKS + 1) * scales.superBytes : 0;
        return heads + block * scales.blockBytes;
    }

    /** Where a block begins, in a group. */
    int blockAt(int block) {
        int heads = hasSuperBlocks() ? (block / SUPER_BLOCKS + 1) * scales.superBytes : 0;
        return heads + block * blockBytes();
    }

    /** What a group is unpacked to for many inputs. */
    TileShape tileShape() {
        return new TileShape(center, largest(), scales.halves, scales.minima);
    }
}
