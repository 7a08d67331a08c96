/** JMH benchmarks of single kernels and operations. */
@NullMarked
package dev.nibble.benchmarks.kernels;

import org.jspecify.annotations.NullMarked;
