package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

public final class IntArray extends TornadoNativeArray {
    private final MemorySegment data;

    public IntArray(int numberOfElements) {
        this(Arena.ofAuto().allocate(4L * numberOfElements, 8));
    }

    private IntArray(MemorySegment data) {
        this.data = data;
    }

    public int get(int index) {
        return data.get(ValueLayout.JAVA_INT, 4L * index);
    }

    public void set(int index, int value) {
        data.set(ValueLayout.JAVA_INT, 4L * index, value);
    }

    @Override
    public int getSize() {
        return (int) (data.byteSize() / 4);
    }

    @Override
    public MemorySegment getSegment() {
        return data;
    }
}
