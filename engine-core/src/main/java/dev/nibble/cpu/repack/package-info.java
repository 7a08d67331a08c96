/** Rearranged copies of weights: the memory for them, and the file that keeps them from one load to the next. */
@NullMarked
package dev.nibble.cpu.repack;

import org.jspecify.annotations.NullMarked;
