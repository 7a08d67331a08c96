/**
 * Kernels of machine code for x86-64 and ARM64, which the library writes into memory while it runs, for instructions the Vector
 * API does not have: products of bytes, conversions of 16-bit floats. Used where native access is enabled; nothing else depends
 * on it.
 */
@NullMarked
package dev.nibble.cpu.machine;

import org.jspecify.annotations.NullMarked;
