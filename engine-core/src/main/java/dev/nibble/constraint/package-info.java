/** Constraints on what is generated: one compiled form for JSON Schema, regular expressions, grammars and lists of choices. */
@NullMarked
package dev.nibble.constraint;

import org.jspecify.annotations.NullMarked;
