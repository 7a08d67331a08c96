package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.load;

import java.lang.foreign.MemorySegment;

/**
 * How the quants of a group of rows are laid out: in units of {@link Shorts#GROUP} words of 16 bits, one of each row; a
 * number of units holds a slot of columns, whose products with 8-bit activations sum up in 16 bits.
 */
abstract class Quants {
    /** Bytes of a unit. */
    static final int UNIT = 2 * GROUP;

    private final Terms terms;
    private final int slotUnits;
    private final int center;

    /** {@link #unpack}. */
    final Step unpackQuants = this::unpack;

    Quants(Terms terms, int slotUnits, int center) {
        this.terms = terms;
        this.slotUnits = slotUnits;
        this.center = center;
    }

    /** What words are multiplied with. */
    final Terms terms() {
        return terms;
    }

    /** Units of a slot. */
    final int slotUnits() {
        return slotUnits;
    }

    /** Columns of a slot. */
    final int slotColumns() {
        return terms.columns();
    }

    /** What is taken off the quants so that a slot's sum fits 16 bits. */
    final int center() {
        return center;
    }

    /** Units of a block of 32 columns. */
    final int blockUnits() {
        return Layout.BLOCK / slotColumns() * slotUnits;
    }

    /**
     * Makes a record of each block in {@link Piece#records}: the sums of products with the activations of one token, modulo
     * 2^16, a slot each, and behind them the block's head. Only for types that {@link Fused} does not serve.
     */
    void records(Piece p) {
        throw new UnsupportedOperationException(getClass().getSimpleName() + " are multiplied without records");
    }

    /** Unpacks {@code q - center}, column by column, lanes as they are. */
    abstract void unpack(Piece p);

    /** Sums in a record. */
    final int recordSums() {
        return Layout.BLOCK / slotColumns();
    }

    /** Copies a unit of a head. */
    static void copy(MemorySegment data, long at, short[] heads, int to) {
        load(data, at).intoArray(heads, to);
    }
}
