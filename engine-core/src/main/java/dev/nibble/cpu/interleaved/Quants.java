package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;

/**
 * How the quants of a group of rows are laid out: in units of {@link Shorts#GROUP} words of 16 bits, one of each row; a
 * number of units holds a slot of columns, whose products with 8-bit activations sum up in 16 bits.
 */
abstract class Quants {
    /** Bytes of a unit. */
    static final int UNIT = 2 * GROUP;

    private final UnmaskedFields terms;
    private final int slotUnits;

    /** {@link #unpack}. */
    final SeparateLoop unpackQuants = this::unpack;

    Quants(UnmaskedFields terms, int slotUnits) {
        this.terms = terms;
        this.slotUnits = slotUnits;
    }

    /** What words are multiplied with. */
    final UnmaskedFields terms() {
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
        return terms.center();
    }

    /** Units of a block of 32 columns. */
    final int blockUnits() {
        return GroupLayout.BLOCK / slotColumns() * slotUnits;
    }

    /** Whether one input row is multiplied without being rounded. */
    boolean exact() {
        return false;
    }

    /** Unpacks {@code q - center}, or the level of q, of a slice, column by column, lanes as they are. */
    abstract void unpack(RowTask p);

    /** Sums in a record. */
    final int recordSums() {
        return GroupLayout.BLOCK / slotColumns();
    }
}
