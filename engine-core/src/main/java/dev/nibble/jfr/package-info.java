/** What the Java Flight Recorder is told, where there is one. */
@NullMarked
package dev.nibble.jfr;

import org.jspecify.annotations.NullMarked;
