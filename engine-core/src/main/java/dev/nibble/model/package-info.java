/** A model as data: metadata, configuration, weights, and the architectures that read them. */
@NullMarked
package dev.nibble.model;

import org.jspecify.annotations.NullMarked;
