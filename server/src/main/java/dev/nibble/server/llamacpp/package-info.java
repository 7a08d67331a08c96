/** The endpoints that llama.cpp's server has of its own. */
@NullMarked
package dev.nibble.server.llamacpp;

import org.jspecify.annotations.NullMarked;
