/** One class a tensor type: byte layout, scalar dequantizer and quantizer. The scalar code is the oracle of every kernel. */
@NullMarked
package dev.nibble.cpu.quant;

import org.jspecify.annotations.NullMarked;
