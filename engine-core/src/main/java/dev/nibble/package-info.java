/** Load a model, open a session, generate text; or embed texts. */
@NullMarked
package dev.nibble;

import org.jspecify.annotations.NullMarked;
