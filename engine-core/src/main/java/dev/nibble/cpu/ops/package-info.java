/** The operations of the forward pass between the matrix multiplications. */
@NullMarked
package dev.nibble.cpu.ops;

import org.jspecify.annotations.NullMarked;
