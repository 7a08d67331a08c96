/** Embeddings: evaluates texts in batches and pools the hidden states of their tokens. */
@NullMarked
package dev.nibble.embedding;

import org.jspecify.annotations.NullMarked;
