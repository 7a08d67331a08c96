@NullMarked
package dev.nibble.cli;

import org.jspecify.annotations.NullMarked;
