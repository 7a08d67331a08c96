package dev.nibble.gguf;

import dev.nibble.io.OutputFile;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Writes GGUF files: first say what goes in, then {@link #write}. Tensor data is asked for when its turn comes, so that
 * a file larger than memory can be written.
 *
 * <pre>{@code
 * new GgufWriter()
 *         .putString("general.architecture", "llama")
 *         .putUint32("llama.block_count", 2)
 *         .tensor("output_norm.weight", DType.F32, Shape.of(4), TensorData.of(1, 1, 1, 1))
 *         .write(Path.of("model.gguf"));
 * }</pre>
 *
 * <p>Misuse, as a value that does not fit its type, is an {@link IllegalArgumentException}. Not thread-safe.
 */
public final class GgufWriter {

    /** Where a tensor's bytes come from. */
    @FunctionalInterface
    public interface TensorData {
        /**
         * Writes exactly the tensor's bytes, little-endian, in as many pieces as it likes. A write to {@code out} always
         * takes all bytes it is given.
         */
        void writeTo(WritableByteChannel out) throws IOException;

        /** The bytes of a segment, which stays unchanged until it is written. */
        static TensorData of(MemorySegment data) {
            return out -> {
                for (long at = 0; at < data.byteSize(); at += CHUNK_BYTES) {
                    long length = Math.min(CHUNK_BYTES, data.byteSize() - at);
                    out.write(data.asSlice(at, length).asByteBuffer());
                }
            };
        }

        /** F32 values. */
        static TensorData of(float... values) {
            return out -> {
                ByteBuffer buffer =
                        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
                buffer.asFloatBuffer().put(values);
                out.write(buffer);
            };
        }
    }

    private record TensorEntry(String name, DType dtype, Shape shape, long byteSize, TensorData data) {}

    private static final long CHUNK_BYTES = 1L << 26;

    private final Map<String, GgufEntry> entries = new LinkedHashMap<>();
    private final Map<String, TensorEntry> tensors = new LinkedHashMap<>();
    private int version = 3;
    private int alignment = GgufParser.DEFAULT_ALIGNMENT;

    /** A writer of a file without metadata and tensors. */
    public GgufWriter() {}

    /** The version of the format: 2 or 3 (the default), which differ in nothing but the number. */
    public GgufWriter version(int value) {
        if (value != 2 && value != 3) {
            throw new IllegalArgumentException("version must be 2 or 3, not " + value);
        }
        version = value;
        return this;
    }

    /** What offsets of tensor data are a multiple of: a power of two from 1 to 1 MiB, by default 32. */
    public GgufWriter alignment(int bytes) {
        if (Integer.bitCount(bytes) != 1 || bytes < 1 || bytes > GgufParser.MAX_ALIGNMENT) {
            throw new IllegalArgumentException(
                    "alignment must be a power of two from 1 to " + GgufParser.MAX_ALIGNMENT + ", not " + bytes);
        }
        alignment = bytes;
        return this;
    }

    /** Sets a string. */
    public GgufWriter putString(String key, String value) {
        return put(key, GgufValueType.STRING, value);
    }

    /** Sets a boolean. */
    public GgufWriter putBoolean(String key, boolean value) {
        return put(key, GgufValueType.BOOL, value);
    }

    /** Sets an unsigned 32-bit integer, the type of nearly all counts. */
    public GgufWriter putUint32(String key, long value) {
        return put(key, GgufValueType.UINT32, value);
    }

    /** Sets a 32-bit float. */
    public GgufWriter putFloat32(String key, float value) {
        return put(key, GgufValueType.FLOAT32, value);
    }

    /**
     * Sets a value of any type but an array; a key that is there keeps its place.
     *
     * @param value a {@link Number} for integers and floats, a {@link Boolean}, or a {@link String}
     */
    public GgufWriter put(String key, GgufValueType type, Object value) {
        ValueEncoder encoder = new ValueEncoder(key);
        encoder.scalar(type, value);
        return put(key, new GgufEntry(type, null, encoder.segment()));
    }

    /**
     * Sets an array; a key that is there keeps its place.
     *
     * @param values a {@link List} of what {@link #put} takes, a {@code long[]}, {@code int[]}, {@code float[]}, or a
     *     {@link dev.nibble.model.StringArray}
     */
    public GgufWriter putArray(String key, GgufValueType elementType, Object values) {
        ValueEncoder encoder = new ValueEncoder(key);
        encoder.array(elementType, values);
        return put(key, new GgufEntry(GgufValueType.ARRAY, elementType, encoder.segment()));
    }

    /** Removes a key if it is there. */
    public GgufWriter remove(String key) {
        entries.remove(key);
        return this;
    }

    /**
     * Copies metadata as they stand in {@code source}, which has to stay open until this is written. What describes the
     * file itself and not the model, its alignment and its splitting, is left out.
     */
    public GgufWriter putAll(GgufFile source, Predicate<String> keys) {
        source.entries().forEach((key, entry) -> {
            if (!key.equals(GgufParser.ALIGNMENT_KEY) && !key.startsWith("split.") && keys.test(key)) {
                put(key, entry);
            }
        });
        return this;
    }

    private GgufWriter put(String key, GgufEntry entry) {
        int length = key.getBytes(StandardCharsets.UTF_8).length;
        if (length == 0 || length > MetadataReader.MAX_KEY_BYTES) {
            throw new IllegalArgumentException(
                    "a key has 1 to " + MetadataReader.MAX_KEY_BYTES + " bytes, not " + length);
        }
        if (key.equals(GgufParser.ALIGNMENT_KEY)) {
            throw new IllegalArgumentException("set " + key + " by alignment(int)");
        }
        entries.put(key, entry);
        return this;
    }

    /**
     * Adds a tensor.
     *
     * @param name up to 63 bytes, each name once
     * @param shape the contiguous dimension first; it has to be a multiple of the type's block size
     * @param data its bytes, asked for in {@link #write}
     */
    public GgufWriter tensor(String name, DType dtype, Shape shape, TensorData data) {
        int length = name.getBytes(StandardCharsets.UTF_8).length;
        if (length > GgufParser.MAX_TENSOR_NAME_BYTES) {
            throw new IllegalArgumentException("a tensor name has at most " + GgufParser.MAX_TENSOR_NAME_BYTES
                    + " bytes, '" + name + "' has " + length);
        }
        long byteSize = Math.multiplyExact(dtype.byteSize(shape.columns()), shape.rows());
        if (tensors.putIfAbsent(name, new TensorEntry(name, dtype, shape, byteSize, data)) != null) {
            throw new IllegalArgumentException("there is a tensor '" + name + "' already");
        }
        return this;
    }

    /**
     * Writes a file. It appears under its name only when it is complete, in the place of a regular file or of nothing; a
     * symbolic link to a regular file stays one, and its target is replaced.
     *
     * @throws IOException if it cannot be written, or the name is that of a folder, a pipe, a socket or a device; what was
     *     there before is unchanged
     * @throws IllegalStateException if a {@link TensorData} writes more or less than its tensor has
     */
    public void write(Path file) throws IOException {
        try (OutputFile out = begin(file, entries, List.copyOf(tensors.values()))) {
            out.commit();
        }
    }

    /**
     * Writes a model split into files {@code <prefix>-00001-of-0000N.gguf}.
     *
     * @param prefix what the names have in common, with the folder
     * @param maxBytes tensor data of a file at most, unless a single tensor has more
     * @return the files in order; one if all fits
     * @throws IOException if one cannot be written; then none is
     */
    public List<Path> writeSplit(Path prefix, long maxBytes) throws IOException {
        List<List<TensorEntry>> parts = split(maxBytes);
        if (parts.size() > 0xFFFF) {
            throw new IllegalArgumentException(parts.size() + " files of " + maxBytes + " bytes are too many");
        }
        List<Path> files = new ArrayList<>();
        List<OutputFile> unplaced = new ArrayList<>();
        try {
            writeParts(prefix, parts, files, unplaced);
            for (OutputFile part : unplaced) {
                part.place();
            }
        } finally {
            for (OutputFile part : unplaced) {
                part.close();
            }
        }
        return files;
    }

    private void writeParts(Path prefix, List<List<TensorEntry>> parts, List<Path> files, List<OutputFile> written)
            throws IOException {
        for (int i = 0; i < parts.size(); i++) {
            Map<String, GgufEntry> metadata = new LinkedHashMap<>(i == 0 ? entries : Map.of());
            set(metadata, Shards.NUMBER_KEY, GgufValueType.UINT16, i);
            set(metadata, Shards.COUNT_KEY, GgufValueType.UINT16, parts.size());
            set(metadata, Shards.TENSOR_COUNT_KEY, GgufValueType.INT32, tensors.size());
            Path fileName = prefix.getFileName();
            SplitName name = new SplitName(fileName == null ? "" : fileName.toString(), i + 1, parts.size());
            Path file = name.beside(prefix);
            OutputFile part = begin(file, metadata, parts.get(i));
            written.add(part);
            part.finish();
            files.add(file);
        }
    }

    private static void set(Map<String, GgufEntry> metadata, String key, GgufValueType type, int value) {
        ValueEncoder encoder = new ValueEncoder(key);
        encoder.scalar(type, value);
        metadata.put(key, new GgufEntry(type, null, encoder.segment()));
    }

    private List<List<TensorEntry>> split(long maxBytes) {
        List<List<TensorEntry>> parts = new ArrayList<>();
        List<TensorEntry> part = new ArrayList<>();
        long bytes = 0;
        for (TensorEntry tensor : tensors.values()) {
            if (!part.isEmpty() && bytes + tensor.byteSize > maxBytes) {
                parts.add(part);
                part = new ArrayList<>();
                bytes = 0;
            }
            part.add(tensor);
            bytes += tensor.byteSize;
        }
        parts.add(part);
        return parts;
    }

    /** A file with everything in it that has not got its name yet. */
    private OutputFile begin(Path file, Map<String, GgufEntry> metadata, List<TensorEntry> tensorList)
            throws IOException {
        byte[] header = header(metadata, tensorList);
        long bytes = header.length;
        for (TensorEntry tensor : tensorList) {
            bytes += tensor.byteSize;
        }
        OutputFile out = OutputFile.create(file, bytes);
        try {
            write(new CountingChannel(out.channel()), header, tensorList);
            return out;
        } catch (Throwable e) {
            out.close();
            throw e;
        }
    }

    private void write(CountingChannel out, byte[] header, List<TensorEntry> tensorList) throws IOException {
        out.write(ByteBuffer.wrap(header));
        for (TensorEntry tensor : tensorList) {
            out.pad(alignment);
            long end = out.count() + tensor.byteSize;
            tensor.data.writeTo(out.limitedTo(end, tensor.name));
            if (out.count() != end) {
                throw new IllegalStateException("the data of '" + tensor.name + "' has " + tensor.byteSize
                        + " bytes, but " + (tensor.byteSize - end + out.count()) + " were written");
            }
        }
        out.pad(alignment);
    }

    private byte[] header(Map<String, GgufEntry> metadata, List<TensorEntry> tensorList) {
        boolean custom = alignment != GgufParser.DEFAULT_ALIGNMENT;
        LittleEndianBuffer out = new LittleEndianBuffer();
        out.putInt(GgufParser.MAGIC);
        out.putInt(version);
        out.putLong(tensorList.size());
        out.putLong(metadata.size() + (custom ? 1L : 0L));
        if (custom) {
            out.putString(GgufParser.ALIGNMENT_KEY);
            out.putInt(GgufValueType.UINT32.id());
            out.putInt(alignment);
        }
        metadata.forEach((key, entry) -> {
            out.putString(key);
            out.putInt(entry.type().id());
            out.put(entry.raw());
        });
        long offset = 0;
        for (TensorEntry tensor : tensorList) {
            out.putString(tensor.name);
            out.putInt(tensor.shape.rank());
            for (int i = 0; i < tensor.shape.rank(); i++) {
                out.putLong(tensor.shape.dim(i));
            }
            out.putInt(tensor.dtype.id());
            out.putLong(offset);
            offset = GgufParser.align(Math.addExact(offset, tensor.byteSize), alignment);
        }
        return out.toByteArray();
    }
}
