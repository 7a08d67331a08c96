/** Worker threads, the memory each computes in, and what they read ahead of the next loop. */
@NullMarked
package dev.nibble.cpu.pool;

import org.jspecify.annotations.NullMarked;
