/** What a backend or a file format implements. */
@NullMarked
package dev.nibble.spi;

import org.jspecify.annotations.NullMarked;
