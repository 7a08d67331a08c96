package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Quants.LINE;
import static dev.nibble.cpu.machine.Quants.PARTS;

/**
 * What weights are unpacked to when many inputs are multiplied by them: for each block of 32 columns the quants, a byte each,
 * in {@link Quants#PARTS} lines, then a line of floats for each scale, and for each minimum, of either sign as it is added.
 *
 * @param center of the quants: a power of two, or 0
 * @param largest of the quants
 * @param halves whether there is a scale for each 16 columns
 */
record TileShape(int center, int largest, boolean halves, boolean minima) {
    int scales() {
        return halves ? 2 : 1;
    }

    /** Where the floats begin in a block. */
    static int scalesAt() {
        return PARTS * LINE;
    }

    int minimaAt() {
        return scalesAt() + scales() * LINE;
    }

    int blockBytes() {
        return minimaAt() + (minima ? scales() * LINE : 0);
    }
}
