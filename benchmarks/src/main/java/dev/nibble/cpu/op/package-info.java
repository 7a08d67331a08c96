/** Benchmarks of what the package keeps to itself. */
@NullMarked
package dev.nibble.cpu.op;

import org.jspecify.annotations.NullMarked;
