/** How families of models write their answers: reasoning, text and calls of tools, as data, and one reader of it. */
@NullMarked
package dev.nibble.chat.dialect;

import org.jspecify.annotations.NullMarked;
