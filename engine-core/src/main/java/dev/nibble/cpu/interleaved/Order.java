package dev.nibble.cpu.interleaved;

/** The order in which a type's quants take the columns, so that the activations lie in one stream, too. */
enum Order {
    NATURAL(32) {
        @Override
        int within(int k) {
            return k;
        }
    },
    /** {@link FourBits}: 0, 16, 1, 17, ... */
    HALVES(32) {
        @Override
        int within(int k) {
            return (k & 1) * 16 + k / 2;
        }
    },
    /** {@link FiveBits}: 0, 1, 16, 17, 2, ... */
    HALVES_BY_TWO(32) {
        @Override
        int within(int k) {
            return (k >> 1 & 1) * 16 + k / 4 * 2 + (k & 1);
        }
    },
    /** {@link FourBitsK}: 0, 32, 1, 33, ... */
    PAIRS(64) {
        @Override
        int within(int k) {
            return (k & 1) * 32 + k / 2;
        }
    },
    /** {@link FiveBitsK}: unit i takes two columns from its slot on and two from the same place in the next block. */
    FIVE_BITS_K(256) {
        @Override
        int within(int k) {
            int unit = k / 4;
            return FiveBitsK.slot(unit) * 16 + 2 * (unit & 7) + (k >> 1 & 1) * 32 + (k & 1);
        }
    },
    /** {@link SixBitsK}: unit i takes two columns from its slot on and two from 64 columns further. */
    SIX_BITS_K(256) {
        @Override
        int within(int k) {
            int unit = k / 4;
            return SixBitsK.slot(unit) * 8 + 2 * (unit & 3) + (k >> 1 & 1) * 64 + (k & 1);
        }
    };

    private final int period;

    @SuppressWarnings("ImmutableEnumChecker") // never written after the constructor
    private final int[] columns;

    Order(int period) {
        this.period = period;
        columns = new int[period];
        for (int k = 0; k < period; k++) {
            columns[k] = within(k);
        }
    }

    /** The column that comes k-th, k below the period. */
    abstract int within(int k);

    /** The column that comes k-th. */
    final int column(int k) {
        return (k & -period) + columns[k & period - 1];
    }
}
