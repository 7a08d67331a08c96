package dev.nibble.gguf;

import java.util.Optional;

/** Type of a metadata value. Ids are those of {@code gguf_type} in gguf.h. */
public enum GgufValueType {
    UINT8(0, 1),
    INT8(1, 1),
    UINT16(2, 2),
    INT16(3, 2),
    UINT32(4, 4),
    INT32(5, 4),
    FLOAT32(6, 4),
    /** One byte; any value but 0 is true. */
    BOOL(7, 1),
    /** A u64 length and that many bytes, usually UTF-8. */
    STRING(8, 0),
    /** An element type, a u64 count and the elements. */
    ARRAY(9, 0),
    UINT64(10, 8),
    INT64(11, 8),
    FLOAT64(12, 8);

    private static final GgufValueType[] VALUES = values();

    private final int id;
    private final int bytes;

    GgufValueType(int id, int bytes) {
        this.id = id;
        this.bytes = bytes;
    }

    /** The type with this id, or empty for an id that GGUF does not have. */
    public static Optional<GgufValueType> ofId(int id) {
        return id >= 0 && id < VALUES.length ? Optional.of(VALUES[id]) : Optional.empty();
    }

    /** The id, as it stands in a file. */
    public int id() {
        return id;
    }

    /** Bytes of a value, 0 for {@link #STRING} and {@link #ARRAY}, whose values differ in size. */
    public int bytes() {
        return bytes;
    }

    /** True for the eight integer types. */
    public boolean isInteger() {
        return switch (this) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
            case FLOAT32, BOOL, STRING, ARRAY, FLOAT64 -> false;
        };
    }
}
