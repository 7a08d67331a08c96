package dev.nibble.cpu.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Makes code that was written as data what the processor fetches. Processors of x86-64 see to it themselves. Those of ARM64 do not:
 * their caches of instructions are not coherent with those of data (Arm Architecture Reference Manual, B2.7.4.2). There the data
 * is cleaned to where both caches meet, then the instructions of these lines are invalidated, in the caches of all processors that
 * share memory, each followed by a barrier: {@code DC CVAU, DSB ISH, IC IVAU, DSB ISH, ISB}.
 *
 * <p>It is done while the memory may be written and not be run. So no processor can have fetched, in advance or by speculation,
 * what was there before, as it must not fetch from memory that is not executable; the memory becomes that afterwards, by a call
 * of the system that ends translations of its addresses on all processors. Threads other than the one that loads code need no
 * barrier ({@code ISB}) of their own for this reason. They get the code's address, and by that their first branch to it, through
 * a final field, a lock or a concurrent map, so after all of this.
 *
 * <p>Not to be touched where native access is not enabled.
 */
@SuppressWarnings("restricted")
abstract sealed class InstructionCache {
    static final InstructionCache OF_THIS_SYSTEM = ofThisSystem();

    private InstructionCache() {}

    private static InstructionCache ofThisSystem() {
        if (!MachineCode.isArm64()) {
            return new Coherent();
        }
        try {
            return MachineCode.isMac() ? new Mac() : linux();
        } catch (UnsupportedOperationException e) {
            return new Missing(e);
        }
    }

    /**
     * To be called when code has been written, before it is made executable.
     *
     * @throws UnsupportedOperationException if the system has no function for it
     */
    abstract void synchronize(long address, long bytes);

    /**
     * The function that compilers call, from the library of theirs that nearly every program of Linux has. Where it is missing,
     * Linux does the same in {@code mprotect}: a page that becomes executable for the first time is cleaned and its instructions
     * are invalidated ({@code __sync_icache_dcache} in arch/arm64/mm/flush.c), and pages for code are new and written once.
     */
    private static InstructionCache linux() {
        try {
            return new Gcc(SymbolLookup.libraryLookup("libgcc_s.so.1", Arena.global()));
        } catch (IllegalArgumentException e) { // there is no such library
            return new Coherent();
        }
    }

    /** Nothing is to be done. */
    private static final class Coherent extends InstructionCache {
        @Override
        void synchronize(long address, long bytes) {}
    }

    /** There should be something to be done, and it cannot be. */
    private static final class Missing extends InstructionCache {
        private final String reason;

        Missing(UnsupportedOperationException reason) {
            this.reason = String.valueOf(reason.getMessage());
        }

        @Override
        void synchronize(long address, long bytes) {
            throw new UnsupportedOperationException(reason);
        }
    }

    /** {@code void __clear_cache(void *begin, void *end)}. */
    private static final class Gcc extends InstructionCache {
        private final MethodHandle clear;

        Gcc(SymbolLookup library) {
            clear = CodeMemory.find(
                    library, "__clear_cache", FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        }

        @Override
        void synchronize(long address, long bytes) {
            try {
                clear.invokeExact(address, address + bytes);
            } catch (Throwable t) {
                throw CodeMemory.unexpected(t);
            }
        }
    }

    /** {@code void sys_icache_invalidate(void *start, size_t len)}, which cleans the data first. */
    private static final class Mac extends InstructionCache {
        private final MethodHandle invalidate = CodeMemory.find(
                Linker.nativeLinker().defaultLookup(),
                "sys_icache_invalidate",
                FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

        @Override
        void synchronize(long address, long bytes) {
            try {
                invalidate.invokeExact(address, bytes);
            } catch (Throwable t) {
                throw CodeMemory.unexpected(t);
            }
        }
    }
}
