/** Finds models by locator: on disk, in the caches of other tools, on model hubs, in Python wheels. */
@NullMarked
package dev.nibble.cli.models;

import org.jspecify.annotations.NullMarked;
