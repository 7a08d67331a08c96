package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

public final class ByteArray extends TornadoNativeArray {
    private final MemorySegment data;

    public ByteArray(int numberOfElements) {
        this(Arena.ofAuto().allocate(1L * numberOfElements, 8));
    }

    private ByteArray(MemorySegment data) {
        this.data = data;
    }

    public static ByteArray fromSegmentShallow(MemorySegment segment) {
        ByteArray array = new ByteArray(segment.asSlice(ARRAY_HEADER));
        segment.set(ValueLayout.JAVA_INT, 0, array.getSize()); // as TornadoVM does, so that it fails where that would
        return array;
    }

    public byte get(int index) {
        return data.get(ValueLayout.JAVA_BYTE, 1L * index);
    }

    public void set(int index, byte value) {
        data.set(ValueLayout.JAVA_BYTE, 1L * index, value);
    }

    @Override
    public int getSize() {
        return (int) (data.byteSize() / 1);
    }

    @Override
    public MemorySegment getSegment() {
        return data;
    }
}
