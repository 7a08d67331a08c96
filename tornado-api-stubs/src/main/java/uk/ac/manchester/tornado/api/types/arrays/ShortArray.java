package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

public final class ShortArray extends TornadoNativeArray {
    private final MemorySegment data;

    public ShortArray(int numberOfElements) {
        this(Arena.ofAuto().allocate(2L * numberOfElements, 8));
    }

    private ShortArray(MemorySegment data) {
        this.data = data;
    }

    public short get(int index) {
        return data.get(ValueLayout.JAVA_SHORT, 2L * index);
    }

    public void set(int index, short value) {
        data.set(ValueLayout.JAVA_SHORT, 2L * index, value);
    }

    @Override
    public int getSize() {
        return (int) (data.byteSize() / 2);
    }

    @Override
    public MemorySegment getSegment() {
        return data;
    }
}
