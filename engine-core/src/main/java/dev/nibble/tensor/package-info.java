/** Element types, shapes and tensors over mapped memory. */
@NullMarked
package dev.nibble.tensor;

import org.jspecify.annotations.NullMarked;
