/** Load a model, open a session, generate text. */
@NullMarked
package dev.nibble;

import org.jspecify.annotations.NullMarked;
