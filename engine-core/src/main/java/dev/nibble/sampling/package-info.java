/** Choosing the next token from the logits. */
@NullMarked
package dev.nibble.sampling;

import org.jspecify.annotations.NullMarked;
