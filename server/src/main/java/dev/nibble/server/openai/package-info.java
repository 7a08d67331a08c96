/** The endpoints of OpenAI. */
@NullMarked
package dev.nibble.server.openai;

import org.jspecify.annotations.NullMarked;
