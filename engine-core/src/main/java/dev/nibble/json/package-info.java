/** JSON texts and what they stand for. */
@NullMarked
package dev.nibble.json;

import org.jspecify.annotations.NullMarked;
