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
 * How the system's compilers call functions. Emitters write for System V: up to six longs in rdi, rsi, rdx, rcx, r8 and r9,
 * all vector registers free to use. Elsewhere an entry in front of their code makes it so.
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
    };

    private static final int VECTOR_BYTES = 16;

    /** Vector registers whose lower halves are the caller's: xmm6 to xmm15. */
    private static final int FIRST_KEPT_VECTOR = 6;

    private static final int KEPT_VECTORS = 10;

    /** Bytes for them, and 8 that keep the stack at a multiple of 16. */
    private static final int SAVED = KEPT_VECTORS * VECTOR_BYTES + Long.BYTES;

    /** Above what is saved, rsi, rdi, the return address and the room for the four arguments in registers. */
    private static final int FIFTH_ARGUMENT = SAVED + 3 * Long.BYTES + 4 * Long.BYTES;

    /** Code that is called as the system's functions are, and runs {@code code} as a function of System V. */
    abstract byte[] enter(byte[] code);
}
