/** A small Jinja interpreter for chat templates: no reflection, and bounded in steps, depth and output. */
@NullMarked
package dev.nibble.chat.jinja;

import org.jspecify.annotations.NullMarked;
