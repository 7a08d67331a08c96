/** The forward pass on the CPU. */
@NullMarked
package dev.nibble.cpu;

import org.jspecify.annotations.NullMarked;
