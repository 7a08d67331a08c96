/** Kernels in plain Java, for JVMs without the Vector API. */
@NullMarked
package dev.nibble.cpu.scalar;

import org.jspecify.annotations.NullMarked;
