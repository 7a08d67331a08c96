package dev.nibble.cpu.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Memory of the system for code: first it can be written, then run, never both. It is kept as long as the process. Not to be
 * touched where native access is not enabled.
 */
@SuppressWarnings("restricted")
abstract sealed class CodeMemory {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final int PAGE = 4096;

    private CodeMemory() {}

    /** That of this system, which has to be one of those {@link MachineCode#isSupported} knows. */
    static CodeMemory ofThisSystem() {
        return MachineCode.isWindows() ? Windows.INSTANCE : Posix.INSTANCE;
    }

    /**
     * Code in memory of its own.
     *
     * @throws UnsupportedOperationException if the system does not let a process run what it has written
     */
    final MemorySegment load(byte[] bytes) {
        long size = Math.ceilDiv(bytes.length, PAGE) * (long) PAGE;
        long address = allocate(size);
        if (address == 0) {
            throw new UnsupportedOperationException("the system gave no memory for machine code");
        }
        MemorySegment memory = MemorySegment.ofAddress(address).reinterpret(size, Arena.global(), null);
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
        InstructionCache.OF_THIS_SYSTEM.synchronize(address, bytes.length);
        if (!makeExecutable(address, size)) {
            throw new UnsupportedOperationException(
                    "the system does not let this process run code that it has written");
        }
        return memory;
    }

    /** The address of memory that can be written, or 0. */
    abstract long allocate(long size);

    /** Makes it readable and executable, and no longer writable; whether the system did it. */
    abstract boolean makeExecutable(long address, long size);

    /**
     * A function of the system.
     *
     * @throws UnsupportedOperationException if it has none of this name
     */
    static MethodHandle find(SymbolLookup library, String name, FunctionDescriptor type, Linker.Option... options) {
        MemorySegment function = library.find(name)
                .orElseThrow(() -> new UnsupportedOperationException("the system has no function " + name));
        return Linker.nativeLinker().downcallHandle(function, type, options);
    }

    static IllegalStateException unexpected(Throwable t) {
        return new IllegalStateException("a native function threw", t);
    }

    /**
     * Linux and macOS. On Apple's processors memory for code that is to be written again is mapped with MAP_JIT, and each thread
     * switches between writing and running. It takes neither here: what is written once, then made executable, is ordinary
     * memory, which a process may run if its program is allowed unsigned executable memory, as the JDK's launcher is.
     */
    private static final class Posix extends CodeMemory {
        static final Posix INSTANCE = new Posix();

        private static final int PROT_READ = 1;
        private static final int PROT_WRITE = 2;
        private static final int PROT_EXEC = 4;
        private static final int MAP_PRIVATE = 2;
        private static final int MAP_ANONYMOUS = MachineCode.isMac() ? 0x1000 : 0x20;
        private static final long MAP_FAILED = -1;

        private final MethodHandle mmap =
                find(system(), "mmap", FunctionDescriptor.of(LONG, LONG, LONG, INT, INT, INT, LONG));
        private final MethodHandle mprotect = find(system(), "mprotect", FunctionDescriptor.of(INT, LONG, LONG, INT));

        private static SymbolLookup system() {
            return Linker.nativeLinker().defaultLookup();
        }

        @Override
        long allocate(long size) {
            int protection = PROT_READ | PROT_WRITE;
            try {
                long address = (long) mmap.invokeExact(0L, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
                return address == MAP_FAILED ? 0 : address;
            } catch (Throwable t) {
                throw unexpected(t);
            }
        }

        @Override
        boolean makeExecutable(long address, long size) {
            try {
                return (int) mprotect.invokeExact(address, size, PROT_READ | PROT_EXEC) == 0;
            } catch (Throwable t) {
                throw unexpected(t);
            }
        }
    }

    /** Windows. */
    private static final class Windows extends CodeMemory {
        private static final int MEM_COMMIT = 0x1000;
        private static final int MEM_RESERVE = 0x2000;
        private static final int PAGE_READWRITE = 0x04;
        private static final int PAGE_EXECUTE_READ = 0x20;

        private static final SymbolLookup KERNEL = SymbolLookup.libraryLookup("kernel32", Arena.global());

        static final Windows INSTANCE = new Windows(); // looks up in the kernel

        private final MethodHandle virtualAlloc =
                find(KERNEL, "VirtualAlloc", FunctionDescriptor.of(LONG, LONG, LONG, INT, INT));
        private final MethodHandle virtualProtect =
                find(KERNEL, "VirtualProtect", FunctionDescriptor.of(INT, LONG, LONG, INT, ValueLayout.ADDRESS));

        @Override
        long allocate(long size) {
            try {
                return (long) virtualAlloc.invokeExact(0L, size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
            } catch (Throwable t) {
                throw unexpected(t);
            }
        }

        @Override
        boolean makeExecutable(long address, long size) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment before = arena.allocate(INT);
                return (int) virtualProtect.invokeExact(address, size, PAGE_EXECUTE_READ, before) != 0;
            } catch (Throwable t) {
                throw unexpected(t);
            }
        }
    }
}
