package dev.nibble.gguf;

import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Makes the bytes of a GGUF file without any check, so that they can be wrong in every way. */
final class GgufBytes {
    /** A field of the structure: where it is and how many bytes it has. */
    record Field(int offset, int bytes) {}

    private final List<Consumer<GgufBytes>> pairs = new ArrayList<>();
    private final List<Consumer<GgufBytes>> infos = new ArrayList<>();
    private final List<Field> fields = new ArrayList<>();
    private LittleEndianBuffer out = new LittleEndianBuffer();
    private int magic = GgufParser.MAGIC;
    private int version = 3;
    private long tensorCount = -1;
    private long pairCount = -1;
    private int alignment = 32;
    private byte[] data = new byte[0];
    private boolean countsGiven;

    GgufBytes magic(int value) {
        magic = value;
        return this;
    }

    GgufBytes version(int value) {
        version = value;
        return this;
    }

    /** Other counts than the true ones. */
    GgufBytes counts(long tensors, long keyValuePairs) {
        tensorCount = tensors;
        pairCount = keyValuePairs;
        countsGiven = true;
        return this;
    }

    /** To what the data's start is padded; the metadata is not touched. */
    GgufBytes alignment(int value) {
        alignment = value;
        return this;
    }

    GgufBytes data(int bytes) {
        data = new byte[bytes];
        return this;
    }

    /** A pair with a value that {@code value} writes. */
    GgufBytes pair(String key, int type, Consumer<GgufBytes> value) {
        pairs.add(bytes -> {
            bytes.string(key).u32(type);
            value.accept(bytes);
        });
        return this;
    }

    GgufBytes pair(String key, GgufValueType type, Consumer<GgufBytes> value) {
        return pair(key, type.id(), value);
    }

    /** What stands where a pair should. */
    GgufBytes rawPair(Consumer<GgufBytes> value) {
        pairs.add(value);
        return this;
    }

    GgufBytes tensor(String name, DType dtype, long offset, long... dims) {
        return tensor(name, dims.length, dims, dtype.id(), offset);
    }

    GgufBytes tensor(String name, int dimCount, long[] dims, int type, long offset) {
        infos.add(bytes -> {
            bytes.string(name).u32(dimCount);
            for (long dim : dims) {
                bytes.u64(dim);
            }
            bytes.u32(type).u64(offset);
        });
        return this;
    }

    GgufBytes u8(int value) {
        fields.add(new Field(size(), 1));
        out.putByte(value);
        return this;
    }

    GgufBytes u32(int value) {
        fields.add(new Field(size(), 4));
        out.putInt(value);
        return this;
    }

    GgufBytes u64(long value) {
        fields.add(new Field(size(), 8));
        out.putLong(value);
        return this;
    }

    GgufBytes string(String value) {
        fields.add(new Field(size(), 8));
        out.putString(value);
        return this;
    }

    /** The fields of the last {@link #build}. */
    List<Field> fields() {
        return List.copyOf(fields);
    }

    byte[] build() {
        out = new LittleEndianBuffer();
        fields.clear();
        u32(magic).u32(version);
        u64(countsGiven ? tensorCount : infos.size()).u64(countsGiven ? pairCount : pairs.size());
        pairs.forEach(pair -> pair.accept(this));
        infos.forEach(info -> info.accept(this));
        if (!infos.isEmpty()) {
            out.put(MemorySegment.ofArray(new byte[(alignment - size() % alignment) % alignment]));
        }
        out.put(MemorySegment.ofArray(data));
        return out.toByteArray();
    }

    private int size() {
        return out.toByteArray().length;
    }
}
