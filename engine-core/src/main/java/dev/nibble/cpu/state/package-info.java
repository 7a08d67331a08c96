/**
 * What is remembered: of a sequence, its pages of keys and values or its recurrent states; of a running pass, its rows and its
 * buffers.
 */
@NullMarked
package dev.nibble.cpu.state;

import org.jspecify.annotations.NullMarked;
