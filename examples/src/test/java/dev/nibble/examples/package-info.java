@NullMarked
package dev.nibble.examples;

import org.jspecify.annotations.NullMarked;
