package dev.nibble.cpu.machine;

/** How an ARM64 processor multiplies signed bytes. Sums of integers are exact, so each gives the same results to the last bit. */
enum NeonProducts {
    /** To 16 bits, which are summed to 32: what every one can. */
    LONG("NEON"),
    /** Four by four, summed to 32 bits: FEAT_DotProd. */
    DOT("NEON dot products"),
    /** Likewise, and two rows by two inputs, eight by eight, in tiles: FEAT_I8MM. */
    MATRIX("NEON matrix products");

    final String description;

    NeonProducts(String description) {
        this.description = description;
    }

    /** Parts of {@link Quants} whose products 16 bits hold, summed where they stand and then with a neighbour; at least one. */
    static int partsOfSum(int largest) {
        return Math.max(1, Short.MAX_VALUE / (largest * 2 * 127));
    }

    /** Whether quants as large are kept less 128, so that they are signed bytes. */
    static boolean areSigned(int largest) {
        return largest > Byte.MAX_VALUE;
    }
}
