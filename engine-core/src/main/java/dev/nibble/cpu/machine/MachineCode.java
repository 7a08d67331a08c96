package dev.nibble.cpu.machine;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * A function of machine code in {@link CodeMemory}. It takes up to six longs, in the registers that emitters write for, see
 * {@link CallingConvention}, whatever the system's own are, and is kept as long as the process.
 */
final class MachineCode implements NativeFunction {
    private final MemorySegment code;

    private MachineCode(MemorySegment code) {
        this.code = code;
    }

    /** Whether there is a calling convention and a system here that the code is written for. */
    static boolean isSupported() {
        String processor = processor();
        boolean isX64 = processor.equals("amd64") || processor.equals("x86_64");
        boolean isPosix = isLinux() || isMac();
        return isX64 && (isPosix || isWindows()) || isArm64() && isPosix;
    }

    /** Whether the processor is an ARM of 64 bits, and code for it is written, not for x86-64. */
    static boolean isArm64() {
        return processor().equals("aarch64");
    }

    /** Whether this code may call native functions. */
    static boolean isAllowed() {
        return MachineCode.class.getModule().isNativeAccessEnabled();
    }

    static boolean isLinux() {
        return system().equals("Linux");
    }

    static boolean isMac() {
        return system().startsWith("Mac");
    }

    static boolean isWindows() {
        return system().startsWith("Windows");
    }

    private static String processor() {
        return System.getProperty("os.arch", "");
    }

    private static String system() {
        return System.getProperty("os.name", "");
    }

    /**
     * Loads code.
     *
     * @param bytes of a function as emitters write it, see {@link CallingConvention}
     * @throws IllegalCallerException if native access is not enabled
     * @throws UnsupportedOperationException if the system does not let a process run what it has written
     */
    static MachineCode load(byte[] bytes) {
        return new MachineCode(
                CodeMemory.ofThisSystem().load(CallingConvention.ofThisSystem().enter(bytes)));
    }

    @Override
    public void call(long a, long b, long c, long d, long e, long f) {
        Native.call(code, a, b, c, d, e, f);
    }

    /** How it is called; not to be touched where native access is not enabled. */
    @SuppressWarnings("restricted")
    private static final class Native {
        private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
        private static final MethodHandle CALL =
                Linker.nativeLinker().downcallHandle(FunctionDescriptor.ofVoid(LONG, LONG, LONG, LONG, LONG, LONG));

        private Native() {}

        static void call(MemorySegment code, long a, long b, long c, long d, long e, long f) {
            try {
                CALL.invokeExact(code, a, b, c, d, e, f);
            } catch (Throwable t) {
                throw new IllegalStateException("a native function threw", t);
            }
        }
    }
}
