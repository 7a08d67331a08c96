/** Chat messages and the template, stored in a model file, that turns them into a prompt. */
@NullMarked
package dev.nibble.chat;

import org.jspecify.annotations.NullMarked;
