/** The generate loop: prefill, then decode, mask, sample, detokenize until a stop. */
@NullMarked
package dev.nibble.generate;

import org.jspecify.annotations.NullMarked;
