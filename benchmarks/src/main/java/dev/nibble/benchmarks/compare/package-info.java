/** Runs Nibble and llama.cpp in turn on the same file and compares them; started by {@code benchmarks/compare}. */
@NullMarked
package dev.nibble.benchmarks.compare;

import org.jspecify.annotations.NullMarked;
