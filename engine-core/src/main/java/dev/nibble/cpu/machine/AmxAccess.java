package dev.nibble.cpu.machine;

import dev.nibble.cpu.kernel.KernelSettings;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Whether this process may use tiles (AMX): they are asked for by {@value KernelSettings#AMX}, the processor has them, and the system
 * gives permission, without which an instruction on them ends the process. What is refused is a reason to do without, and logged.
 */
final class AmxAccess {
    private static final System.Logger LOG = System.getLogger("dev.nibble.cpu");

    private static final class Chosen {
        static final boolean GRANTED = choose();
    }

    private AmxAccess() {}

    /** Asked once in a process; not to be called where there are no kernels of machine code. */
    static boolean isGranted() {
        return Chosen.GRANTED;
    }

    private static boolean choose() {
        if (!KernelSettings.amx()) {
            return false;
        }
        String failure = failure();
        if (!failure.isEmpty()) {
            LOG.log(System.Logger.Level.WARNING, "no AMX kernels although {0}=on: {1}", KernelSettings.AMX, failure);
        }
        return failure.isEmpty();
    }

    /** Why tiles are not to be used; empty if they are. */
    private static String failure() {
        if (!MachineCode.isLinux() || MachineCode.isArm64()) {
            return "they are written for Linux on x86-64 only";
        }
        if (!(KernelCode.emitter() instanceof Avx512Emitter)) {
            return "they need kernels for AVX-512, those here are for "
                    + KernelCode.emitter().name();
        }
        if (!Processor.ask().hasTiles()) {
            return "the processor has no tiles of bfloat16, or the system does not save them";
        }
        try {
            return Permission.ask() ? "" : "the system did not permit tiles to this process (arch_prctl)";
        } catch (UnsupportedOperationException e) {
            return String.valueOf(e.getMessage());
        }
    }

    /** The system call of Linux, from 5.16 on, see its documentation of x86: "Using XSTATE features in user space applications". */
    @SuppressWarnings("restricted")
    private static final class Permission {
        private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
        private static final long ARCH_PRCTL = 158;
        private static final long GET_XCOMP_PERMISSION = 0x1022;
        private static final long REQUEST_XCOMP_PERMISSION = 0x1023;
        private static final long TILE_DATA = 18;

        private Permission() {}

        /** Asks for tiles, for the whole process; whether they are permitted now. */
        static boolean ask() {
            MethodHandle call = CodeMemory.find(
                    Linker.nativeLinker().defaultLookup(),
                    "syscall",
                    FunctionDescriptor.of(LONG, LONG, LONG, LONG),
                    Linker.Option.firstVariadicArg(1));
            try (Arena arena = Arena.ofConfined()) {
                if ((long) call.invokeExact(ARCH_PRCTL, REQUEST_XCOMP_PERMISSION, TILE_DATA) != 0) {
                    return false;
                }
                MemorySegment permitted = arena.allocate(LONG);
                long asked = (long) call.invokeExact(ARCH_PRCTL, GET_XCOMP_PERMISSION, permitted.address());
                return asked == 0 && (permitted.get(LONG, 0) >>> TILE_DATA & 1) == 1;
            } catch (Throwable t) {
                throw CodeMemory.unexpected(t);
            }
        }
    }
}
