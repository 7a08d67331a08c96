package dev.nibble.gguf;

import dev.nibble.model.StringArray;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Encodes one metadata value for a file, and refuses what its type cannot hold. */
final class ValueEncoder {
    private final String key;
    private final LittleEndianBuffer out = new LittleEndianBuffer();

    /** @param key for messages */
    ValueEncoder(String key) {
        this.key = key;
    }

    MemorySegment segment() {
        return MemorySegment.ofArray(out.toByteArray());
    }

    void scalar(GgufValueType type, Object value) {
        switch (type) {
            case STRING -> out.putString(cast(type, value, String.class));
            case BOOL -> out.putByte(cast(type, value, Boolean.class) ? 1 : 0);
            case FLOAT32 ->
                out.putInt(
                        Float.floatToRawIntBits(cast(type, value, Number.class).floatValue()));
            case FLOAT64 ->
                out.putLong(Double.doubleToRawLongBits(
                        cast(type, value, Number.class).doubleValue()));
            case UINT8, INT8 -> out.putByte((int) integer(type, value));
            case UINT16, INT16 -> out.putShort((int) integer(type, value));
            case UINT32, INT32 -> out.putInt((int) integer(type, value));
            case UINT64, INT64 -> out.putLong(integer(type, value));
            case ARRAY -> throw new IllegalArgumentException(key + ": an array is set by putArray");
        }
    }

    void array(GgufValueType type, Object values) {
        if (type == GgufValueType.ARRAY) {
            throw new IllegalArgumentException(key + ": an array of arrays cannot be read by anyone");
        }
        out.putInt(type.id());
        switch (values) {
            case List<?> list -> {
                out.putLong(list.size());
                list.forEach(value -> scalar(type, value));
            }
            case long[] array -> {
                out.putLong(array.length);
                for (long value : array) {
                    scalar(type, value);
                }
            }
            case int[] array -> {
                out.putLong(array.length);
                for (int value : array) {
                    scalar(type, value);
                }
            }
            case float[] array -> {
                out.putLong(array.length);
                for (float value : array) {
                    scalar(type, value);
                }
            }
            case StringArray array
            when type == GgufValueType.STRING -> {
                out.putLong(array.size());
                for (int i = 0; i < array.size(); i++) {
                    out.putString(array.bytes(i));
                }
            }
            default ->
                throw new IllegalArgumentException(
                        key + ": an array of " + type + " cannot be made of " + values.getClass());
        }
    }

    private long integer(GgufValueType type, Object value) {
        long number = switch (value) {
            case Long l -> l;
            case Integer i -> i;
            case Short s -> s;
            case Byte b -> b;
            default -> throw mismatch(type, value);
        };
        int bits = 8 * type.bytes();
        boolean fits = switch (type) {
            case UINT8, UINT16, UINT32 -> number >>> bits == 0;
            case UINT64 -> number >= 0;
            default -> number << (64 - bits) >> (64 - bits) == number;
        };
        if (!fits) {
            throw new IllegalArgumentException(key + ": " + number + " does not fit " + type);
        }
        return number;
    }

    private <T> T cast(GgufValueType type, Object value, Class<T> expected) {
        if (!expected.isInstance(value)) {
            throw mismatch(type, value);
        }
        return expected.cast(value);
    }

    private IllegalArgumentException mismatch(GgufValueType type, Object value) {
        return new IllegalArgumentException(key + ": " + value.getClass().getSimpleName() + " is no " + type);
    }
}
