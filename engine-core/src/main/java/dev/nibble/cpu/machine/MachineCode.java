package dev.nibble.cpu.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * A function of machine code in memory of its own: written while that may not be run, then made to run and no longer to be
 * written. It takes up to six longs, in the registers that the System V calling convention has for them (rdi, rsi, rdx,
 * rcx, r8, r9), and is kept as long as the process.
 */
final class MachineCode {
    private static final int PAGE = 4096;

    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int PROT_EXEC = 4;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_ANONYMOUS = isMac() ? 0x1000 : 0x20;

    private final MemorySegment code;

    private MachineCode(MemorySegment code) {
        this.code = code;
    }

    /** Whether there is a calling convention and a system here that the code is written for. */
    static boolean isSupported() {
        String system = System.getProperty("os.name", "");
        String processor = System.getProperty("os.arch", "");
        return (system.equals("Linux") || isMac()) && (processor.equals("amd64") || processor.equals("x86_64"));
    }

    /** Whether this code may call native functions. */
    static boolean isAllowed() {
        return MachineCode.class.getModule().isNativeAccessEnabled();
    }

    private static boolean isMac() {
        return System.getProperty("os.name", "").startsWith("Mac");
    }

    /**
     * Loads code.
     *
     * @throws IllegalCallerException if native access is not enabled
     * @throws UnsupportedOperationException if the system does not let a process run what it has written
     */
    static MachineCode load(byte[] bytes) {
        long size = Math.ceilDiv(bytes.length, PAGE) * (long) PAGE;
        long address = Native.map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
        if (address == -1) {
            throw new UnsupportedOperationException("the system gave no memory for machine code");
        }
        MemorySegment memory = Native.at(address, size);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
        if (Native.protect(address, size, PROT_READ | PROT_EXEC) != 0) {
            throw new UnsupportedOperationException(
                    "the system does not let this process run code that it has written");
        }
        return new MachineCode(memory);
    }

    /** Runs it. The addresses among the arguments must be of memory that is there, and not mapped from a file. */
    void call(long a, long b, long c, long d, long e, long f) {
        Native.call(code, a, b, c, d, e, f);
    }

    /** The system's functions; not to be touched where native access is not enabled. */
    @SuppressWarnings("restricted")
    private static final class Native {
        private static final Linker LINKER = Linker.nativeLinker();
        private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
        private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

        private static final MethodHandle CALL =
                LINKER.downcallHandle(FunctionDescriptor.ofVoid(LONG, LONG, LONG, LONG, LONG, LONG));
        private static final MethodHandle MMAP =
                find("mmap", FunctionDescriptor.of(LONG, LONG, LONG, INT, INT, INT, LONG));
        private static final MethodHandle MPROTECT = find("mprotect", FunctionDescriptor.of(INT, LONG, LONG, INT));

        private Native() {}

        private static MethodHandle find(String name, FunctionDescriptor type) {
            SymbolLookup lookup = LINKER.defaultLookup();
            return LINKER.downcallHandle(lookup.findOrThrow(name), type);
        }

        static MemorySegment at(long address, long size) {
            return MemorySegment.ofAddress(address).reinterpret(size, Arena.global(), null);
        }

        static long map(long size, int protection, int flags) {
            try {
                return (long) MMAP.invokeExact(0L, size, protection, flags, -1, 0L);
            } catch (Throwable t) {
                throw unexpected(t);
            }
        }

        static int protect(long address, long size, int protection) {
            try {
                return (int) MPROTECT.invokeExact(address, size, protection);
            } catch (Throwable t) {
                throw unexpected(t);
            }
        }

        static void call(MemorySegment code, long a, long b, long c, long d, long e, long f) {
            try {
                CALL.invokeExact(code, a, b, c, d, e, f);
            } catch (Throwable t) {
                throw unexpected(t);
            }
        }

        private static IllegalStateException unexpected(Throwable t) {
            return new IllegalStateException("a native function threw", t);
        }
    }
}
