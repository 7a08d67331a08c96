/** What a token costs beside the matrix multiplications, and what comes before the first one. */
@NullMarked
package dev.nibble.benchmarks.operations;

import org.jspecify.annotations.NullMarked;
