package uk.ac.manchester.tornado.api.types.arrays;

import java.lang.foreign.MemorySegment;

public abstract sealed class TornadoNativeArray permits ByteArray, ShortArray, IntArray, FloatArray {
    /** A property decides, so that no compiler takes it for a constant and copies it into what uses it. */
    public static final long ARRAY_HEADER = Long.getLong("tornado.panama.objectHeader", 16);

    public abstract int getSize();

    public abstract MemorySegment getSegment();
}
