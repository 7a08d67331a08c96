/** Short programs that use the library as its users do. */
@NullMarked
package dev.nibble.examples;

import org.jspecify.annotations.NullMarked;
