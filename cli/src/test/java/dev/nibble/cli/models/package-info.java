@NullMarked
package dev.nibble.cli.models;

import org.jspecify.annotations.NullMarked;
