package dev.nibble.gguf;

import dev.nibble.ModelFormatException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.model.StringArray;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads the key-value pairs. Strings of an array stay in the file; all else is decoded, within a budget, because a
 * file of a few bytes a value would otherwise fill the heap.
 *
 * <pre>
 * pair:   key string | type i32 | value
 * string: length u64 | bytes
 * array:  element type i32 | count u64 | elements
 * </pre>
 */
final class MetadataReader {
    /** Bytes of a key at most; the limit of the GGUF specification. */
    static final int MAX_KEY_BYTES = 65535;

    /** Bytes of a single string value at most; chat templates, the longest in use, have about 100 KB. */
    static final int MAX_STRING_BYTES = 1 << 26;

    /** Bytes of all strings of an array at most; large vocabularies have about 5 MB. */
    static final int MAX_STRINGS_BYTES = 1 << 30;

    /** Elements of an array at most; llama.cpp's limit. */
    static final long MAX_ARRAY_LENGTH = 1L << 30;

    /** Heap that the decoded metadata and tensor descriptions of a file may take. */
    static final long HEAP_BUDGET = 256L << 20;

    /** Least bytes of a pair: a key of one byte and a value of one byte. */
    static final int MIN_PAIR_BYTES = 8 + 1 + 4 + 1;

    /** Heap of a pair besides its value: map entries, boxes, the key's string. */
    private static final int PAIR_HEAP = 256;

    private final GgufCursor cursor;
    private final Map<String, Object> values = new LinkedHashMap<>();
    private final Map<String, GgufEntry> entries = new LinkedHashMap<>();
    private long heap;

    MetadataReader(GgufCursor cursor) {
        this.cursor = cursor;
    }

    /** The decoded values by key. */
    Map<String, Object> values() {
        return values;
    }

    /** Types and places of the values by key. */
    Map<String, GgufEntry> entries() {
        return entries;
    }

    void read(long count) {
        for (long i = 0; i < count; i++) {
            readPair(i);
        }
    }

    /** Counts heap that is about to be used, and fails when the file's metadata takes too much of it. */
    void charge(long bytes, String field) {
        heap += bytes;
        if (heap > HEAP_BUDGET) {
            throw cursor.failure(
                    cursor.position(),
                    field,
                    "metadata that takes less than " + (HEAP_BUDGET >> 20) + " MiB of memory",
                    "more");
        }
    }

    private void readPair(long index) {
        long keyAt = cursor.position();
        String keyField = "key " + index;
        String key = cursor.readString(keyField, MAX_KEY_BYTES);
        charge(PAIR_HEAP + 2L * key.length(), keyField);
        if (key.isEmpty()) {
            throw cursor.failure(keyAt, keyField, "a name", "an empty key");
        }
        if (values.containsKey(key)) {
            throw cursor.failure(keyAt, keyField, "each key once", "'" + key + "' again");
        }
        GgufValueType type = readType("the type of '" + key + "'");
        long start = cursor.position();
        GgufValueType elementType = null;
        Object value;
        if (type == GgufValueType.ARRAY) {
            elementType = readType("the element type of '" + key + "'");
            value = readArray(key, elementType);
        } else {
            value = readScalar(type, "the value of '" + key + "'");
        }
        values.put(key, value);
        MemorySegment raw = cursor.data().asSlice(start, cursor.position() - start);
        entries.put(key, new GgufEntry(type, elementType, raw));
    }

    private GgufValueType readType(String field) {
        long at = cursor.position();
        int id = cursor.readInt(field);
        return GgufValueType.ofId(id).orElseThrow(() -> cursor.failure(at, field, "0 to 12", Integer.toString(id)));
    }

    private Object readScalar(GgufValueType type, String field) {
        return switch (type) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> {
                cursor.require(type.bytes(), field);
                long value = integer(type, buffer(type.bytes()), 0, field);
                cursor.skip(type.bytes());
                yield value;
            }
            case FLOAT32 -> (double) Float.intBitsToFloat(cursor.readInt(field));
            case FLOAT64 -> Double.longBitsToDouble(cursor.readLong(field));
            case BOOL -> cursor.readByte(field) != 0;
            case STRING -> {
                long at = cursor.position();
                String value = cursor.readString(field, MAX_STRING_BYTES);
                charge(2 * (cursor.position() - at), field);
                yield value;
            }
            case ARRAY -> throw new AssertionError(type);
        };
    }

    /**
     * The next bytes. Loops over elements read from a buffer, as until the JIT compiler has seen them it is some three
     * times as fast as a segment, and the vocabulary is read before that.
     */
    private ByteBuffer buffer(long bytes) {
        return cursor.data().asSlice(cursor.position(), bytes).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    private long integer(GgufValueType type, ByteBuffer buffer, int at, String field) {
        return switch (type) {
            case UINT8 -> Byte.toUnsignedLong(buffer.get(at));
            case INT8 -> buffer.get(at);
            case UINT16 -> Short.toUnsignedLong(buffer.getShort(at));
            case INT16 -> buffer.getShort(at);
            case UINT32 -> Integer.toUnsignedLong(buffer.getInt(at));
            case INT32 -> buffer.getInt(at);
            case INT64 -> buffer.getLong(at);
            case UINT64 -> {
                long value = buffer.getLong(at);
                if (value < 0) {
                    throw cursor.failure(
                            cursor.position() + at,
                            field,
                            "an unsigned integer below 2^63",
                            Long.toUnsignedString(value));
                }
                yield value;
            }
            case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> throw new AssertionError(type);
        };
    }

    private Object readArray(String key, GgufValueType type) {
        String countField = "the length of '" + key + "'";
        String field = "the elements of '" + key + "'";
        if (type == GgufValueType.ARRAY) {
            throw new UnsupportedModelException(cursor.message(
                    cursor.position() - Integer.BYTES,
                    "the element type of '" + key + "'",
                    "a scalar type or strings",
                    "arrays",
                    "arrays of arrays are not supported; convert the model again without this key"));
        }
        // A string takes 8 bytes at least: its length.
        int minBytes = type == GgufValueType.STRING ? Long.BYTES : type.bytes();
        int count = (int) cursor.readLength(countField, MAX_ARRAY_LENGTH, minBytes);
        if (type == GgufValueType.STRING) {
            return readStrings(key, count, field);
        }
        charge((long) count * heapBytes(type), field);
        Object array = decode(type, count, field);
        cursor.skip((long) count * type.bytes());
        return array;
    }

    private static int heapBytes(GgufValueType type) {
        return switch (type) {
            case BOOL -> 1;
            case FLOAT32 -> Float.BYTES;
            default -> Long.BYTES;
        };
    }

    private Object decode(GgufValueType type, int count, String field) {
        // Fits an int: what is longer does not pass the budget.
        ByteBuffer buffer = buffer((long) count * type.bytes());
        return switch (type) {
            case FLOAT32 -> {
                float[] array = new float[count];
                buffer.asFloatBuffer().get(array);
                yield array;
            }
            case FLOAT64 -> {
                double[] array = new double[count];
                buffer.asDoubleBuffer().get(array);
                yield array;
            }
            case BOOL -> {
                boolean[] array = new boolean[count];
                for (int i = 0; i < count; i++) {
                    array[i] = buffer.get(i) != 0;
                }
                yield array;
            }
            default -> {
                long[] array = new long[count];
                for (int i = 0; i < count; i++) {
                    array[i] = integer(type, buffer, i * type.bytes(), field);
                }
                yield array;
            }
        };
    }

    /** Walks over the strings once, checks each length, and notes where each begins. */
    private StringArray readStrings(String key, int count, String field) {
        charge((long) count * Integer.BYTES, field);
        int size = (int) Math.min(cursor.remaining(), MAX_STRINGS_BYTES);
        ByteBuffer buffer = buffer(size);
        int[] starts = new int[count];
        int at = 0;
        for (int i = 0; i < count; i++) {
            starts[i] = at;
            int available = size - at - Long.BYTES;
            // A length below 0 stands for 2^63 and more.
            long length = available < 0 ? -1 : buffer.getLong(at);
            if (length < 0 || length > available) {
                throw badString(key, i, at, available, length);
            }
            at += Long.BYTES + (int) length;
        }
        MemorySegment strings = cursor.data().asSlice(cursor.position(), at);
        cursor.skip(at);
        return new MappedStringArray(strings, starts);
    }

    private ModelFormatException badString(String key, int index, int at, int available, long length) {
        long position = cursor.position() + at;
        String field = "the length of string " + index + " of '" + key + "'";
        if (cursor.remaining() > MAX_STRINGS_BYTES) {
            return cursor.failure(
                    position, field, "strings of less than " + (MAX_STRINGS_BYTES >> 20) + " MiB in an array", "more");
        }
        if (available < 0) {
            return cursor.failure(position, field, "8 bytes", "the end of the file", GgufCursor.TRUNCATED);
        }
        return cursor.failure(
                position, field, "at most " + available, Long.toUnsignedString(length), GgufCursor.CUT_OR_DAMAGED);
    }
}
