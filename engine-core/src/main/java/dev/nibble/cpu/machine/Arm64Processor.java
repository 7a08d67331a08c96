package dev.nibble.cpu.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** What instructions an ARM64 processor has: a process may not ask it, so the system is asked. */
@SuppressWarnings("restricted")
final class Arm64Processor {
    // Linux: getauxval's words, and bits of them, arch/arm64/include/uapi/asm/hwcap.h
    private static final long AT_HWCAP = 16;
    private static final long AT_HWCAP2 = 26;
    private static final int HWCAP_ASIMD = 1;
    private static final int HWCAP_ASIMDDP = 20;
    private static final int HWCAP2_I8MM = 13;

    private Arm64Processor() {}

    /**
     * How the processor multiplies bytes, where code that this process has written is run.
     *
     * @throws IllegalCallerException as {@link MachineCode#load}
     * @throws UnsupportedOperationException as {@link MachineCode#load}, or if it has no vectors
     */
    static NeonProducts ask() {
        Arm64Assembler nothing = new Arm64Assembler();
        nothing.ret();
        MachineCode.load(nothing.toBytes()).call(0, 0, 0, 0, 0, 0);
        return MachineCode.isMac() ? ofMac() : ofLinux(auxiliary(AT_HWCAP), auxiliary(AT_HWCAP2));
    }

    /** From what the system says. */
    static NeonProducts ofLinux(long capabilities, long capabilities2) {
        if (!has(capabilities, HWCAP_ASIMD)) {
            throw new UnsupportedOperationException("the processor has no NEON");
        }
        if (!has(capabilities, HWCAP_ASIMDDP)) {
            return NeonProducts.LONG;
        }
        return has(capabilities2, HWCAP2_I8MM) ? NeonProducts.MATRIX : NeonProducts.DOT;
    }

    private static boolean has(long word, int bit) {
        return (word >>> bit & 1) == 1;
    }

    /** {@code unsigned long getauxval(unsigned long type)}: 0 for a type that the system does not know. */
    private static long auxiliary(long type) {
        MethodHandle getauxval = CodeMemory.find(
                Linker.nativeLinker().defaultLookup(),
                "getauxval",
                FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        try {
            return (long) getauxval.invokeExact(type);
        } catch (Throwable t) {
            throw CodeMemory.unexpected(t);
        }
    }

    /** All of Apple's processors have vectors. */
    private static NeonProducts ofMac() {
        if (!hasOfMac("hw.optional.arm.FEAT_DotProd")) {
            return NeonProducts.LONG;
        }
        return hasOfMac("hw.optional.arm.FEAT_I8MM") ? NeonProducts.MATRIX : NeonProducts.DOT;
    }

    /** {@code int sysctlbyname(const char *, void *, size_t *, void *, size_t)}: fails for a name that the system does not know. */
    private static boolean hasOfMac(String name) {
        MethodHandle sysctlbyname = CodeMemory.find(
                Linker.nativeLinker().defaultLookup(),
                "sysctlbyname",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT,
                        ValueLayout.ADDRESS,
                        ValueLayout.ADDRESS,
                        ValueLayout.ADDRESS,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_LONG));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
            MemorySegment size = arena.allocateFrom(ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT.byteSize());
            int failed = (int) sysctlbyname.invokeExact(arena.allocateFrom(name), value, size, MemorySegment.NULL, 0L);
            return failed == 0 && value.get(ValueLayout.JAVA_INT, 0) == 1;
        } catch (Throwable t) {
            throw CodeMemory.unexpected(t);
        }
    }
}
