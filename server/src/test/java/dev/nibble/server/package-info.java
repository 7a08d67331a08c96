@org.jspecify.annotations.NullMarked
package dev.nibble.server;
