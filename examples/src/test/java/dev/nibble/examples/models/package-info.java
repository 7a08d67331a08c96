@NullMarked
package dev.nibble.examples.models;

import org.jspecify.annotations.NullMarked;
