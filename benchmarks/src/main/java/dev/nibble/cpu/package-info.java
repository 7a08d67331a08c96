/** Benchmarks of what the package keeps to itself. */
@NullMarked
package dev.nibble.cpu;

import org.jspecify.annotations.NullMarked;
