/**
 * The operations of a compiled model: blocks, attention, recurrent mixers, feed-forward layers and experts, norms and rotations.
 */
@NullMarked
package dev.nibble.cpu.op;

import org.jspecify.annotations.NullMarked;
