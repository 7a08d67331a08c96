/** The command line {@code nibble}. */
@NullMarked
package dev.nibble.examples.cli;

import org.jspecify.annotations.NullMarked;
