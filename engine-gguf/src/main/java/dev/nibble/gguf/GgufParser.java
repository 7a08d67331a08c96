package dev.nibble.gguf;

import dev.nibble.UnsupportedModelException;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Reads and checks one mapped file. The layout is that of gguf.h in ggml, versions 2 and 3, little-endian:
 *
 * <pre>
 * "GGUF" | version u32 | tensor count i64 | pair count i64 | pairs | tensor infos | padding | tensor data
 * tensor info: name string | dimension count u32 | dimensions i64[] | type i32 | offset u64 from the data's start
 * </pre>
 *
 * Each tensor's data begins at a multiple of {@code general.alignment} (32 by default), without gaps, in the order of
 * the infos. A file that breaks this is refused, as llama.cpp does.
 */
final class GgufParser {
    static final int MAGIC = 0x46554747; // "GGUF", little-endian
    static final int DEFAULT_ALIGNMENT = 32;

    /** The largest alignment accepted: huge pages are mapped in units of 1 MiB at least, nothing needs more. */
    static final int MAX_ALIGNMENT = 1 << 20;

    static final String ALIGNMENT_KEY = "general.alignment";

    /** Bytes of a tensor name at most; ggml keeps it in 64 bytes with a zero at the end. */
    static final int MAX_TENSOR_NAME_BYTES = 63;

    static final int MAX_DIMENSIONS = 4;

    /** Least bytes of a tensor info: an empty name and no dimensions. */
    private static final int MIN_TENSOR_INFO_BYTES = 8 + 4 + 4 + 8;

    /** Heap of a tensor's description: its name, info, shape, segment, tensor and map entries. */
    private static final int TENSOR_HEAP = 768;

    /**
     * What a file holds.
     *
     * @param version of the format
     * @param alignment of tensor data, in bytes
     * @param values metadata by key
     * @param entries types and places of the metadata
     * @param tensors places of the tensors by name
     * @param dataStart byte offset where tensor data begins
     */
    record Contents(
            int version,
            int alignment,
            Map<String, Object> values,
            Map<String, GgufEntry> entries,
            Map<String, Place> tensors,
            long dataStart) {}

    /**
     * @param dtype element type
     * @param shape dimensions
     * @param offset from the start of the tensor data
     * @param byteSize bytes without padding
     */
    record Place(DType dtype, Shape shape, long offset, long byteSize) {}

    private final GgufCursor cursor;

    private GgufParser(GgufCursor cursor) {
        this.cursor = cursor;
    }

    /**
     * @param name the file's name, for messages
     * @param data the whole file
     */
    static Contents parse(String name, MemorySegment data) {
        return new GgufParser(new GgufCursor(name, data)).parse();
    }

    private Contents parse() {
        int version = readHeader();
        long countsAt = cursor.position();
        long tensorCount = readCount("the tensor count", MIN_TENSOR_INFO_BYTES);
        long pairCount = readCount("the key-value count", MetadataReader.MIN_PAIR_BYTES);
        if (tensorCount * MIN_TENSOR_INFO_BYTES + pairCount * MetadataReader.MIN_PAIR_BYTES > cursor.remaining()) {
            throw cursor.failure(
                    countsAt,
                    "the counts",
                    "what fits the " + cursor.remaining() + " bytes that remain",
                    tensorCount + " tensors and " + pairCount + " key-value pairs",
                    GgufCursor.CUT_OR_DAMAGED);
        }
        MetadataReader metadata = new MetadataReader(cursor);
        metadata.read(pairCount);
        int alignment = alignment(metadata);
        Map<String, Place> tensors = new LinkedHashMap<>();
        long nextOffset = 0;
        for (long i = 0; i < tensorCount; i++) {
            metadata.charge(TENSOR_HEAP, "tensor " + i);
            nextOffset = readTensorInfo(i, nextOffset, alignment, tensors);
        }
        long dataStart = cursor.position();
        if (tensorCount > 0) {
            dataStart = align(dataStart, alignment);
            checkSize(tensors, dataStart);
        }
        return new Contents(version, alignment, metadata.values(), metadata.entries(), tensors, dataStart);
    }

    private int readHeader() {
        if (cursor.remaining() < Integer.BYTES || cursor.data().get(GgufCursor.INT, 0) != MAGIC) {
            throw ForeignFile.refusal(cursor.file(), cursor.data());
        }
        cursor.skip(Integer.BYTES);
        String field = "the version";
        long at = cursor.position();
        int version = cursor.readInt(field);
        if (version == 2 || version == 3) {
            return version;
        }
        if (version == 1) {
            throw unsupported(
                    at, field, "2 or 3", "1", "the file is of 2023; download a newer conversion of the model");
        }
        if (version != 0 && (version & 0xFFFF) == 0) {
            throw unsupported(
                    at,
                    field,
                    "2 or 3",
                    Integer.reverseBytes(version) + " in big-endian byte order",
                    "big-endian files are not supported; download the little-endian one");
        }
        if (version > 3 && version <= 0xFFFF) {
            throw unsupported(
                    at, field, "2 or 3", Integer.toString(version), "the file needs a newer version of this library");
        }
        throw cursor.failure(at, field, "2 or 3", Integer.toUnsignedString(version));
    }

    private long readCount(String field, int minBytes) {
        long at = cursor.position();
        long count = cursor.readLong(field);
        long limit = cursor.remaining() / minBytes;
        if (count < 0 || count > limit) {
            throw cursor.failure(
                    at,
                    field,
                    "0 to " + limit + " (" + cursor.remaining() + " bytes remain)",
                    Long.toString(count),
                    GgufCursor.CUT_OR_DAMAGED);
        }
        return count;
    }

    private int alignment(MetadataReader metadata) {
        GgufEntry entry = metadata.entries().get(ALIGNMENT_KEY);
        if (entry == null) {
            return DEFAULT_ALIGNMENT;
        }
        long at = entry.raw().address() - cursor.data().address();
        String field = "the value of '" + ALIGNMENT_KEY + "'";
        if (entry.type() != GgufValueType.UINT32) {
            throw cursor.failure(at, field, "a UINT32", "a value of type " + entry.type());
        }
        long alignment = Integer.toUnsignedLong(entry.raw().get(GgufCursor.INT, 0));
        if (Long.bitCount(alignment) != 1 || alignment > MAX_ALIGNMENT) {
            throw cursor.failure(at, field, "a power of two from 1 to " + MAX_ALIGNMENT, Long.toString(alignment));
        }
        return (int) alignment;
    }

    /** Reads one info and returns the offset at which the next tensor has to begin. */
    private long readTensorInfo(long index, long expectedOffset, int alignment, Map<String, Place> tensors) {
        long at = cursor.position();
        String field = "the name of tensor " + index;
        String name = cursor.readString(field, MAX_TENSOR_NAME_BYTES);
        if (tensors.containsKey(name)) {
            throw cursor.failure(at, field, "each name once", "'" + name + "' again");
        }
        long shapeAt = cursor.position();
        long[] dims = readDimensions(name);
        DType dtype = readDType(name);
        if (dims[0] % dtype.blockSize() != 0) {
            throw cursor.failure(
                    shapeAt,
                    "the shape of '" + name + "'",
                    "rows that are a multiple of " + dtype.blockSize() + " long, as " + dtype + " needs",
                    Arrays.toString(dims));
        }
        long offsetAt = cursor.position();
        String offsetField = "the data offset of '" + name + "'";
        long offset = cursor.readLong(offsetField);
        if (offset != expectedOffset) {
            throw cursor.failure(
                    offsetAt,
                    offsetField,
                    expectedOffset + ", right after the tensor before it at an alignment of " + alignment,
                    Long.toUnsignedString(offset));
        }
        try {
            Shape shape = Shape.of(dims);
            long byteSize = Math.multiplyExact(dtype.byteSize(shape.columns()), shape.rows());
            tensors.put(name, new Place(dtype, shape, offset, byteSize));
            return align(Math.addExact(offset, byteSize), alignment);
        } catch (ArithmeticException e) {
            throw cursor.failure(
                    shapeAt,
                    "the shape of '" + name + "'",
                    "tensors of less than 2^63 bytes in all",
                    Arrays.toString(dims) + " of " + dtype);
        }
    }

    private long[] readDimensions(String name) {
        long at = cursor.position();
        String field = "the number of dimensions of '" + name + "'";
        int count = cursor.readInt(field);
        if (count < 0 || count > MAX_DIMENSIONS) {
            throw cursor.failure(at, field, "0 to " + MAX_DIMENSIONS, Integer.toUnsignedString(count));
        }
        long[] dims = new long[Math.max(1, count)];
        dims[0] = 1; // no dimensions: a single value
        long elements = 1;
        for (int i = 0; i < count; i++) {
            long dimAt = cursor.position();
            String dimField = "dimension " + i + " of '" + name + "'";
            long dim = cursor.readLong(dimField);
            if (dim < 0) {
                throw cursor.failure(dimAt, dimField, "0 or more", Long.toString(dim));
            }
            dims[i] = dim;
            // A zero must not hide that the others overflow: rows are counted without it.
            long factor = Math.max(1, dim);
            if (elements > Long.MAX_VALUE / factor) {
                throw cursor.failure(
                        at,
                        "the shape of '" + name + "'",
                        "less than 2^63 elements",
                        Arrays.toString(Arrays.copyOf(dims, i + 1)));
            }
            elements *= factor;
        }
        return dims;
    }

    private DType readDType(String name) {
        long at = cursor.position();
        String field = "the type of '" + name + "'";
        int id = cursor.readInt(field);
        Optional<DType> dtype = DType.ofId(id);
        if (dtype.isEmpty()) {
            throw unsupported(
                    at,
                    field,
                    "a tensor type from 0 to " + (DType.values().length - 1),
                    Integer.toUnsignedString(id),
                    "the file is damaged or needs a newer version of this library");
        }
        if (dtype.get().isRemoved()) {
            throw unsupported(
                    at,
                    field,
                    "a tensor type in use",
                    dtype.get() + " (" + id + "), which ggml removed",
                    dtype.get().remedy());
        }
        return dtype.get();
    }

    private void checkSize(Map<String, Place> tensors, long dataStart) {
        long size = cursor.data().byteSize();
        long needed = 0;
        for (Place place : tensors.values()) {
            needed = place.offset() + place.byteSize();
        }
        // Compared without adding, as the sum of the two could overflow.
        if (dataStart > size || needed > size - dataStart) {
            throw cursor.failure(
                    size,
                    "the data of " + tensors.size() + " tensors",
                    needed + " bytes from byte " + dataStart,
                    "the end of the file",
                    GgufCursor.TRUNCATED);
        }
    }

    private UnsupportedModelException unsupported(long at, String field, String expected, String found, String remedy) {
        return new UnsupportedModelException(cursor.message(at, field, expected, found, remedy));
    }

    /**
     * The next multiple of {@code alignment}, a power of two.
     *
     * @throws ArithmeticException if it does not fit a long
     */
    static long align(long offset, int alignment) {
        return Math.addExact(offset, alignment - 1L) & -alignment;
    }
}
