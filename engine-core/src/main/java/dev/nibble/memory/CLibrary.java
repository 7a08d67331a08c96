package dev.nibble.memory;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/** Functions of the C library about memory, where this code may call native code. */
@SuppressWarnings("restricted") // only looked up where native access is enabled
final class CLibrary {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

    private static final @Nullable MethodHandle MALLOC = find("malloc", FunctionDescriptor.of(LONG, LONG));
    private static final @Nullable MethodHandle FREE = find("free", FunctionDescriptor.ofVoid(LONG));

    /** Null also where its numbers are not those of Linux. */
    private static final @Nullable MethodHandle MADVISE =
            System.getProperty("os.name", "").equals("Linux")
                    ? find("madvise", FunctionDescriptor.of(INT, LONG, LONG, INT))
                    : null;

    private CLibrary() {}

    private static @Nullable MethodHandle find(String name, FunctionDescriptor type) {
        if (!CLibrary.class.getModule().isNativeAccessEnabled()) {
            return null;
        }
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup()
                .find(name)
                .map(symbol -> linker.downcallHandle(symbol, type))
                .orElse(null);
    }

    /** Whether memory can be allocated, and freed. */
    static boolean allocates() {
        return MALLOC != null && FREE != null;
    }

    /** The address, or 0. */
    static long malloc(long bytes) {
        if (MALLOC == null) {
            return 0;
        }
        try {
            return (long) MALLOC.invokeExact(bytes);
        } catch (Throwable t) {
            throw new IllegalStateException("malloc", t); // it throws nothing
        }
    }

    static void free(long address) {
        if (FREE == null) {
            return;
        }
        try {
            FREE.invokeExact(address);
        } catch (Throwable t) {
            throw new IllegalStateException("free", t); // it throws nothing
        }
    }

    /** Whether the system took the advice, one of {@code linux/mman.h}. */
    static boolean madvise(long address, long bytes, int advice) {
        if (MADVISE == null) {
            return false;
        }
        try {
            return (int) MADVISE.invokeExact(address, bytes, advice) == 0;
        } catch (Throwable t) {
            throw new IllegalStateException("madvise", t); // it throws nothing
        }
    }
}
