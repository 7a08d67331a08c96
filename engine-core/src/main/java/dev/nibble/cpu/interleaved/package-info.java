/**
 * Kernels over a rearranged copy of the weights, in which the rows of a group lie side by side in the lanes, with
 * activations rounded to 8 bits and products in 16-bit lanes, or exact ones and products in floats.
 */
@NullMarked
package dev.nibble.cpu.interleaved;

import org.jspecify.annotations.NullMarked;
