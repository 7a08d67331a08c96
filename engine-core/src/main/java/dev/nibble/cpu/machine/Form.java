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
 * @param reader of the weights, as the file has them
 */
record Form(DType dtype, Quants quants, int center, byte @Nullable [] levels, Scales scales, RowReader reader) {
    /** Rows of a group. */
    static final int ROWS = 16;

    /** Columns of a block. */
    static final int BLOCK = 32;

    /** Columns of a super-block, and its blocks. */
    static final int SUPER_BLOCK = 256;

    static final int SUPER_BLOCKS = SUPER_BLOCK / BLOCK;

    private static final int SIGN = 128;

    /** Reads some columns of a row. */
    @FunctionalInterface
    interface RowReader {
        /**
         * @param in whole blocks of the file
         * @param row of the group
         * @param quants receives the quants, 8 to a value, a byte each, the first in the lowest
         * @param out the group's columns in this form, of which it writes the scales of the row
         */
        void read(Form form, byte[] in, int columns, int row, long[] quants, byte[] out);

        /** One that reads quants and scales one after the other. */
        static RowReader of(QuantReader quants, ScaleReader scales) {
            return (form, in, columns, row, values, out) -> {
                quants.read(in, columns, values);
                scales.read(form, in, columns, row, out);
            };
        }
    }

    /** Reads the scales of a row only. */
    @FunctionalInterface
    interface ScaleReader {
        /** As {@link RowReader#read}. */
        void read(Form form, byte[] in, int columns, int row, byte[] out);
    }

    /** The form of a type; null if it has none. */
    static @Nullable Form of(DType dtype) {
        return switch (dtype) {
            case Q4_0 -> blocks(dtype, Quants.FOUR, 8, Scales.HALF, QuantReader.q4(18));
            case Q4_1 -> blocks(dtype, Quants.FOUR, 0, Scales.HALF_AND_MINIMUM, QuantReader.q4(20));
            case Q5_0 -> blocks(dtype, Quants.FIVE, 16, Scales.HALF, QuantReader.q5(22));
            case Q5_1 -> blocks(dtype, Quants.FIVE, 0, Scales.HALF_AND_MINIMUM, QuantReader.q5(24));
            case Q8_0 -> blocks(dtype, Quants.EIGHT, SIGN, Scales.HALF, Form::q8);
            case Q2_K ->
                of(dtype, Quants.TWO, 0, Scales.NIBBLES_AND_MINIMA, RowReader.of(QuantReader::q2k, ScaleReaders::q2k));
            case Q3_K -> of(dtype, Quants.THREE, 4, Scales.BYTES, RowReader.of(QuantReader::q3k, ScaleReaders::q3k));
            case Q4_K ->
                of(dtype, Quants.FOUR, 0, Scales.BYTE_AND_MINIMUM, RowReader.of(QuantReader::q4k, ScaleReaders::q45k));
            case Q5_K ->
                of(dtype, Quants.FIVE, 0, Scales.BYTE_AND_MINIMUM, RowReader.of(QuantReader::q5k, ScaleReaders::q45k));
            case Q6_K -> of(dtype, Quants.SIX, 32, Scales.BYTES, RowReader.of(QuantReader::q6k, ScaleReaders::q6k));
            default -> LevelForms.of(dtype);
        };
    }

    private static Form of(DType dtype, Quants quants, int center, Scales scales, RowReader reader) {
        return new Form(dtype, quants, center, null, scales, reader);
    }

    /** A type of plain blocks with halves in front. */
    private static Form blocks(DType dtype, Quants quants, int center, Scales scales, QuantReader reader) {
        return of(dtype, quants, center, scales, RowReader.of(reader, ScaleReaders::halves));
    }

    /** Signed bytes plus {@link #SIGN}. */
    private static void q8(byte[] in, int columns, long[] out) {
        QuantReader.q8(in, columns, out);
        for (int i = 0; i < columns / 8; i++) {
            out[i] ^= 0x8080808080808080L;
        }
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

    /** Where the scales of a super-block begin, of columns that begin with one. */
    int superAt(int superBlock) {
        return superBlock * (scales.superBytes + SUPER_BLOCKS * blockBytes());
    }

    /** Where a block begins. */
    int blockAt(int block) {
        int heads = hasSuperBlocks() ? (block / SUPER_BLOCKS + 1) * scales.superBytes : 0;
        return heads + block * blockBytes();
    }

    /** Where the scales of a block begin. */
    int scalesAt(int block) {
        return blockAt(block) + quants.bytes();
    }

    /** What a group is unpacked to for many inputs. */
    TileShape tileShape() {
        return new TileShape(center, largest(), scales.halves, scales.minima);
    }
}
