package dev.nibble.gguf;

import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import java.nio.file.Path;

/**
 * Where a tensor stands.
 *
 * @param name its name
 * @param dtype element type
 * @param shape dimensions, the contiguous one first
 * @param file the file it is in: one of several in a split model
 * @param offset byte offset of its data in that file
 * @param byteSize bytes of its data, without padding
 */
public record GgufTensorInfo(String name, DType dtype, Shape shape, Path file, long offset, long byteSize) {}
