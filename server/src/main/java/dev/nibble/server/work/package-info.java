/** What all dialects ask for: models that are loaded, turns that are waited for, answers that are read. */
@NullMarked
package dev.nibble.server.work;

import org.jspecify.annotations.NullMarked;
