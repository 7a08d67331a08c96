package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;

public abstract sealed class TornadoNativeArray permits ByteArray, ShortArray, IntArray, FloatArray {
    public static final long ARRAY_HEADER = 16;

    public abstract int getSize();

    public abstract MemorySegment getSegment();
}
