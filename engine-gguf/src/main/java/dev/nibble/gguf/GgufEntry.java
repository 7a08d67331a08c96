package dev.nibble.gguf;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A metadata value as it stands in a file.
 *
 * @param type its type
 * @param elementType of an array, its elements' type
 * @param raw the bytes after the type: for an array, its element type, count and elements
 */
record GgufEntry(GgufValueType type, @Nullable GgufValueType elementType, MemorySegment raw) {}
