/** The endpoints of Ollama. */
@NullMarked
package dev.nibble.server.ollama;

import org.jspecify.annotations.NullMarked;
