/** Kernels with the Vector API. */
@NullMarked
package dev.nibble.cpu.vector;

import org.jspecify.annotations.NullMarked;
