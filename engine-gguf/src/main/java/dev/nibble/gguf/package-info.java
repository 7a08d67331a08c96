/** GGUF, the model file format of the ggml family: reader by memory mapping, and writer. */
@NullMarked
package dev.nibble.gguf;

import org.jspecify.annotations.NullMarked;
