/** Text to token ids and back. */
@NullMarked
package dev.nibble.tokenizer;

import org.jspecify.annotations.NullMarked;
