/** A server of models over HTTP: {@link dev.nibble.server.NibbleServer}. */
@NullMarked
package dev.nibble.server;

import org.jspecify.annotations.NullMarked;
