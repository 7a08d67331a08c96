/** The endpoints of Anthropic. */
@NullMarked
package dev.nibble.server.anthropic;

import org.jspecify.annotations.NullMarked;
