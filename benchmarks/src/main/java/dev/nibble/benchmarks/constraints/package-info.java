/** What constraints cost: masks over large vocabularies, compiling, and generating beside no constraint. */
@NullMarked
package dev.nibble.benchmarks.constraints;

import org.jspecify.annotations.NullMarked;
