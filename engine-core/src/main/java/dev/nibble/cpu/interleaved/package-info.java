/**
 * Kernels over a rearranged copy of the weights, in which the rows of a group lie side by side in the lanes, with
 * activations rounded to 8 bits and products in 16-bit lanes, or exact ones and products in floats.
 *
 * <p>They run where there is no machine code, and nothing else needs them: on processors other than x86-64 and ARM64, ARM64 with
 * Windows, and where native access is not enabled. In the last case there may be vectors of 512 bits, and only for these are
 * {@link OneInputLoops512}, {@link TableQuants} (1.4 to 1.8 times as fast as reading such types where they are mapped) and the
 * choice of {@link BatchLanes} (prompts 1.2 to 1.6 times as fast on Intel's processors).
 *
 * <p>The shape of the code is dictated by what the compiler inlines, see {@link SeparateLoop}.
 */
@NullMarked
package dev.nibble.cpu.interleaved;

import org.jspecify.annotations.NullMarked;
