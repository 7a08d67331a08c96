package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.HALF;

import dev.nibble.cpu.vector.Lanes;
import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * How a tensor type is laid out with a group of rows side by side, and the code that reads it.
 *
 * <p>A group of {@link Shorts#GROUP} rows is cut into pieces of {@link #PIECE} columns. A piece holds first its scales,
 * then its quants, so that a group is read in one stream:
 *
 * <pre>
 * scales   for each block [GROUP] halves d, [GROUP] halves m                  (types without super-blocks)
 *          for each super-block [GROUP] halves d, [GROUP] halves dmin,
 *          then for each of its sub-blocks [GROUP] bytes scale, [GROUP] bytes minimum
 * quants   units of [GROUP] shorts: two bytes of each row, as the type has them
 * </pre>
 *
 * <p>An element is {@code scale · q ± shift}, or {@code scale · (q - center)}; q is unsigned but in Q8_0. Products of q - center with
 * 8-bit activations are summed in 16 bits over a slot: as many columns as can never overflow.
 */
abstract class Layout {
    /** Columns of a piece, the last of a row excepted: sums, scales and shifts of a piece fit the L1 cache. */
    static final int PIECE = 1024;

    static final int BLOCK = QuantizedInput.BLOCK;

    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int MAX_FINITE_HALF = 0x7bff;

    /** Columns that share a scale. */
    private final int scaleColumns;

    /** Columns of a slot of sums: a scale's or fewer. */
    private final int slotColumns;

    private final int center;

    /** 1 if the file has shifts, -1 if it has minima to be subtracted, 0 if it has neither. */
    private final int shiftSign;

    private final Order order;

    /** {@link #scales}, {@link #sums} and {@link #unpack}. */
    final Step readScales = this::scales;

    final Step addProducts = this::sums;
    final Step unpackQuants = this::unpack;

    Layout(int slotColumns, int scaleColumns, int center, int shiftSign, Order order) {
        this.slotColumns = slotColumns;
        this.scaleColumns = scaleColumns;
        this.center = center;
        this.shiftSign = shiftSign;
        this.order = order;
    }

    /** The layout of a type, null if it has none. */
    static @Nullable Layout of(DType dtype) {
        return switch (dtype) {
            case Q4_0 -> new FourBits(false);
            case Q4_1 -> new FourBits(true);
            case Q5_0 -> new FiveBits(false);
            case Q5_1 -> new FiveBits(true);
            case Q8_0 -> new EightBits();
            case Q4_K -> new FourBitsK();
            case Q5_K -> new FiveBitsK();
            case Q6_K -> new SixBitsK();
            default -> null;
        };
    }

    final int scaleColumns() {
        return scaleColumns;
    }

    final int slotColumns() {
        return slotColumns;
    }

    /** What is taken off the quants so that sums fit 16 bits. */
    final int center() {
        return center;
    }

    /** Whether elements have a shift. */
    final boolean shifted() {
        return shiftSign != 0;
    }

    final int shiftSign() {
        return shiftSign;
    }

    /** The order in which {@link #sums} takes the columns. */
    final Order order() {
        return order;
    }

    /** Whether the products of 32 columns with 8-bit activations fit 16 bits, so that batches may sum in 16 bits. */
    boolean sumsInShorts() {
        return false;
    }

    /** Bytes of the scales of {@code columns} columns of a group. */
    abstract int scaleBytes(int columns);

    /** Bytes of the quants of {@code columns} columns of a group. */
    abstract int quantBytes(int columns);

    /**
     * Rearranges the elements of one row of a piece.
     *
     * @param in the row's blocks as the file has them, as little-endian shorts
     * @param row of the group
     * @param out receives the piece, whose first element is at {@code out[0]}, as shorts
     * @param quantsAt index in {@code out} of the quants
     * @return false if a scale is not a finite number
     */
    abstract boolean pack(short[] in, int columns, int row, short[] out, int quantsAt);

    /** Puts {@code count} shorts of a row into as many units. */
    static void packUnits(short[] in, int at, int count, int lane, short[] out, int to) {
        for (int u = 0; u < count; u++) {
            out[to + u * GROUP + lane] = in[at + u];
        }
    }

    /** Reads the scales of the piece, and the shifts if there are any, rows in order. */
    abstract void scales(Piece p);

    /** Sums of products of {@code q - center} with the activations of one token, lanes as they are but in Q8_0. */
    abstract void sums(Piece p);

    /** Unpacks {@code q - center}, lanes as they are. */
    abstract void unpack(Piece p);

    static boolean isFiniteHalf(short half) {
        return (half & 0x7fff) <= MAX_FINITE_HALF;
    }

    /** Puts a byte of {@code row} into [GROUP] bytes from {@code out[at]} on. */
    static void putByte(short[] out, int at, int row, int value) {
        int index = at + row / 2;
        int shift = 8 * (row & 1);
        out[index] = (short) (out[index] & ~(0xff << shift) | (value & 0xff) << shift);
    }

    /** {@code count} halves of all rows, {@code stride} bytes apart. */
    static void halves(MemorySegment data, long at, int stride, int count, float[] out, int outAt) {
        if (data.getClass() != Shorts.OFF_HEAP) {
            throw new IllegalArgumentException("the weights are not off-heap");
        }
        for (int i = 0; i < count; i++) {
            var pairs = Shorts.load(data, at + i * stride).reinterpretAsInts();
            Shorts.evenHalves(pairs).intoArray(out, outAt + i * GROUP);
            Shorts.oddHalves(pairs).intoArray(out, outAt + i * GROUP + HALF);
        }
    }

    /** {@code shifts = center · scales ± shifts}: for quants that stay centered. */
    static void center(
            float[] scales, int scalesAt, float center, float sign, float[] shifts, int shiftsAt, int count) {
        for (int i = 0; i < count; i += HALF) {
            Lanes.load(scales, scalesAt + i)
                    .mul(center)
                    .add(Lanes.load(shifts, shiftsAt + i).mul(sign))
                    .intoArray(shifts, shiftsAt + i);
        }
    }
}
