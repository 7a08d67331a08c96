/** Memory outside the heap: how much the system has, and getting it. */
@NullMarked
package dev.nibble.memory;

import org.jspecify.annotations.NullMarked;
