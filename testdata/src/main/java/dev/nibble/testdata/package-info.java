/** Generators of models for tests and measurements, and the way to the reference data. */
@NullMarked
package dev.nibble.testdata;

import org.jspecify.annotations.NullMarked;
