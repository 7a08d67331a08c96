/** Short programs that use the library as a user would. */
@NullMarked
package dev.nibble.examples;

import org.jspecify.annotations.NullMarked;
