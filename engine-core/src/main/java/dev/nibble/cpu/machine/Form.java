package dev.nibble.cpu.machine;

import dev.nibble.cpu.quant.Fp4;
import dev.nibble.cpu.quant.Iq4Levels;
import dev.nibble.cpu.quant.QuantReader;
import dev.nibble.tensor.DType;
import java.util.function.IntUnaryOperator;
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
 * @param reader of the quants, as the file has them
 * @param scaleReader of the scales
 */
record Form(
        DType dtype,
        Quants quants,
        int center,
        byte @Nullable [] levels,
        Scales scales,
        QuantReader reader,
        ScaleReader scaleReader) {
    /** Rows of a group. */
    static final int ROWS = 16;

    /** Columns of a block. */
    static final int BLOCK = 32;

    /** Columns of a super-block, and its blocks. */
    static final int SUPER_BLOCK = 256;

    static final int SUPER_BLOCKS = SUPER_BLOCK / BLOCK;

    private static final int SIGN = 128;

    /** Reads the scales of a row, see {@link ScaleReader}. */
    @FunctionalInterface
    interface ScaleReader {
        /**
         * @param in whole blocks of the file
         * @param row of the group
         * @param out the group's columns in this form, of which it writes the scales of the row
         */
        void read(Form form, byte[] in, int columns, int row, byte[] out);
    }

    /** The form of a type; null if it has none. */
    static @Nullable Form of(DType dtype) {
        return switch (dtype) {
            case Q4_0 -> plain(dtype, Quants.FOUR, 8, QuantReader.q4(18));
            case Q4_1 -> withMinimum(dtype, Quants.FOUR, QuantReader.q4(20));
            case Q5_0 -> plain(dtype, Quants.FIVE, 16, QuantReader.q5(22));
            case Q5_1 -> withMinimum(dtype, Quants.FIVE, QuantReader.q5(24));
            case Q8_0 -> plain(dtype, Quants.EIGHT, SIGN, Form::q8);
            case IQ4_NL ->
                new Form(dtype, Quants.FOUR, SIGN, iq4(), Scales.HALF, QuantReader.q4(18), ScaleReaders::halves);
            case MXFP4 ->
                new Form(dtype, Quants.FOUR, 16, fp4(), Scales.POWER, QuantReader.q4(17), ScaleReaders::powers);
            case Q2_K ->
                new Form(dtype, Quants.TWO, 0, null, Scales.NIBBLES_AND_MINIMA, QuantReader::q2k, ScaleReaders::q2k);
            case Q3_K -> new Form(dtype, Quants.THREE, 4, null, Scales.BYTES, QuantReader::q3k, ScaleReaders::q3k);
            case Q4_K ->
                new Form(dtype, Quants.FOUR, 0, null, Scales.BYTE_AND_MINIMUM, QuantReader::q4k, ScaleReaders::q45k);
            case Q5_K ->
                new Form(dtype, Quants.FIVE, 0, null, Scales.BYTE_AND_MINIMUM, QuantReader::q5k, ScaleReaders::q45k);
            case Q6_K -> new Form(dtype, Quants.SIX, 32, null, Scales.BYTES, QuantReader::q6k, ScaleReaders::q6k);
            case IQ4_XS ->
                new Form(dtype, Quants.FOUR, SIGN, iq4(), Scales.BYTE, QuantReader::iq4xs, ScaleReaders::iq4xs);
            default -> null;
        };
    }

    private static Form plain(DType dtype, Quants quants, int center, QuantReader reader) {
        return new Form(dtype, quants, center, null, Scales.HALF, reader, ScaleReaders::halves);
    }

    private static Form withMinimum(DType dtype, Quants quants, QuantReader reader) {
        return new Form(dtype, quants, 0, null, Scales.HALF_AND_MINIMUM, reader, ScaleReaders::halves);
    }

    /** Signed bytes plus {@link #SIGN}. */
    private static void q8(byte[] in, int columns, long[] out) {
        QuantReader.q8(in, columns, out);
        for (int i = 0; i < columns / 8; i++) {
            out[i] ^= 0x8080808080808080L;
        }
    }

    private static byte[] iq4() {
        return levels(SIGN, Iq4Levels::level);
    }

    private static byte[] fp4() {
        return levels(16, Fp4::doubled);
    }

    private static byte[] levels(int center, IntUnaryOperator level) {
        byte[] levels = new byte[16];
        for (int i = 0; i < levels.length; i++) {
            levels[i] = (byte) (level.applyAsInt(i) + center);
        }
        return levels;
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
