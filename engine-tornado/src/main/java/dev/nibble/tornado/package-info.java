/** Runs models on GPUs through TornadoVM, found through {@link java.util.ServiceLoader} where it is installed. */
@NullMarked
package dev.nibble.tornado;

import org.jspecify.annotations.NullMarked;
