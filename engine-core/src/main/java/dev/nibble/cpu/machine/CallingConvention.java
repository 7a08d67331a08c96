package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Assembler.R8;
import static dev.nibble.cpu.machine.Assembler.R9;
import static dev.nibble.cpu.machine.Assembler.RCX;
import static dev.nibble.cpu.machine.Assembler.RDI;
import static dev.nibble.cpu.machine.Assembler.RDX;
import static dev.nibble.cpu.machine.Assembler.RSI;
import static dev.nibble.cpu.machine.Assembler.RSP;
import static dev.nibble.cpu.machine.Assembler.at;

/**
 * How the system's compilers call functions. Emitters for x86-64 write for System V: up to six longs in rdi, rsi, rdx, rcx, r8 and
 * r9, all vector registers free to use; those for ARM64 find them in x0 to x5, are free to use x0 to x17 and all vector
 * registers, and return with the link register as it was. Where the system has it otherwise an entry in front of their code makes
 * it so.
 */
enum CallingConvention {
    /** That of Linux and macOS on x86-64. */
    SYSTEM_V {
        @Override
        byte[] enter(byte[] code) {
            return code;
        }
    },

    /**
     * That of Windows on x86-64. The code has no unwind information: an exception inside it could not be handled by its
     * callers, and there is none, as it reads and writes nothing but memory that this process allocated.
     */
    WINDOWS {
        @Override
        byte[] enter(byte[] code) {
            Assembler a = new Assembler();
            Assembler.Label body = new Assembler.Label();
            a.push(RDI);
            a.push(RSI);
            a.decrease(RSP, SAVED);
            for (int i = 0; i < KEPT_VECTORS; i++) {
                a.storeVector(at(RSP, VECTOR_BYTES * i), FIRST_KEPT_VECTOR + i);
            }
            a.mov(RDI, RCX);
            a.mov(RSI, RDX);
            a.mov(RDX, R8);
            a.mov(RCX, R9);
            a.load(R8, at(RSP, FIFTH_ARGUMENT));
            a.load(R9, at(RSP, FIFTH_ARGUMENT + Long.BYTES));
            a.call(body);
            for (int i = 0; i < KEPT_VECTORS; i++) {
                a.loadVector(FIRST_KEPT_VECTOR + i, at(RSP, VECTOR_BYTES * i));
            }
            a.increase(RSP, SAVED);
            a.pop(RSI);
            a.pop(RDI);
            a.ret();
            a.place(body);
            a.append(code);
            return a.toBytes();
        }
    },

    /**
     * That of Linux and macOS on ARM64 (AAPCS64): the lower halves of v8 to v15 are the caller's. Of the other registers that a
     * function has to keep code uses none; x18, which is the system's on macOS, neither.
     */
    AAPCS64 {
        @Override
        byte[] enter(byte[] code) {
            Arm64Assembler a = new Arm64Assembler();
            Arm64Assembler.Label body = new Arm64Assembler.Label();
            int sp = Arm64Assembler.SP;
            a.decrease(sp, ARM64_FRAME);
            a.storeGeneralPair(Arm64Assembler.FP, Arm64Assembler.LR, sp, 0);
            for (int i = 0; i < ARM64_KEPT; i += 2) {
                a.storePair8(ARM64_FIRST_KEPT + i, ARM64_FIRST_KEPT + i + 1, sp, Long.BYTES * (2 + i));
            }
            a.call(body);
            for (int i = 0; i < ARM64_KEPT; i += 2) {
                a.loadPair8(ARM64_FIRST_KEPT + i, ARM64_FIRST_KEPT + i + 1, sp, Long.BYTES * (2 + i));
            }
            a.loadGeneralPair(Arm64Assembler.FP, Arm64Assembler.LR, sp, 0);
            a.increase(sp, ARM64_FRAME);
            a.ret();
            a.place(body);
            a.append(code);
            return a.toBytes();
        }
    };

    /** Vector registers of AAPCS64 whose lower halves are the caller's: v8 to v15. */
    private static final int ARM64_FIRST_KEPT = 8;

    private static final int ARM64_KEPT = 8;

    /** Bytes for them, the frame pointer and the link register: a multiple of 16, as the stack pointer has to be. */
    private static final int ARM64_FRAME = (2 + ARM64_KEPT) * Long.BYTES;

    private static final int VECTOR_BYTES = 16;

    /** Vector registers whose lower halves are the caller's: xmm6 to xmm15. */
    private static final int FIRST_KEPT_VECTOR = 6;

    private static final int KEPT_VECTORS = 10;

    /** Bytes for them, and 8 that keep the stack at a multiple of 16. */
    private static final int SAVED = KEPT_VECTORS * VECTOR_BYTES + Long.BYTES;

    /** Above what is saved, rsi, rdi, the return address and the room for the four arguments in registers. */
    private static final int FIFTH_ARGUMENT = SAVED + 3 * Long.BYTES + 4 * Long.BYTES;

    /** That of this system, which has to be one of those {@link MachineCode#isSupported} knows. */
    static CallingConvention ofThisSystem() {
        if (MachineCode.isArm64()) {
            return AAPCS64;
        }
        return MachineCode.isWindows() ? WINDOWS : SYSTEM_V;
    }

    /** Code that is called as the system's functions are, and runs {@code code} as a function that emitters write. */
    abstract byte[] enter(byte[] code);
}
