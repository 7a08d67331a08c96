package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Assembler.R8;
import static dev.nibble.cpu.machine.Assembler.R9;
import static dev.nibble.cpu.machine.Assembler.RAX;
import static dev.nibble.cpu.machine.Assembler.RBX;
import static dev.nibble.cpu.machine.Assembler.RCX;
import static dev.nibble.cpu.machine.Assembler.RDI;
import static dev.nibble.cpu.machine.Assembler.RDX;
import static dev.nibble.cpu.machine.Assembler.RSI;
import static dev.nibble.cpu.machine.Assembler.RSP;
import static dev.nibble.cpu.machine.Assembler.at;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.cpu.machine.Assembler.Label;
import dev.nibble.cpu.machine.Assembler.Width;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;

@Tag("machine-code")
@DisabledIf(
        value = "dev.nibble.cpu.machine.MachineKernelTest#isTheUsualCode",
        disabledReason = "machine code for this processor has vectors of this width without being asked")
class CallingConventionTest {
    private static final int FIRST_KEPT_VECTOR = 6;
    private static final int KEPT_VECTORS = 10;

    // where things lie in the memory of a call
    private static final int ARGUMENTS = 0; // 6 ints
    private static final int RDI_AFTER = 32;
    private static final int RSI_AFTER = 36;
    private static final int VECTORS = 64;
    private static final int VECTORS_AFTER = VECTORS + KEPT_VECTORS * 16;
    private static final int SIZE = VECTORS_AFTER + KEPT_VECTORS * 16;

    @BeforeEach
    void needsMachineCode() {
        assumeTrue(MachineCode.isSupported() && MachineCode.isAllowed(), "no machine code can be run here");
    }

    /** Calls code as compilers for Windows do, whatever the system, and looks at what a caller relies on. */
    @Test
    void codeBehindTheEntryOfWindowsGetsItsArgumentsAndKeepsWhatIsTheCallers() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(SIZE, 16);
            for (int i = 0; i < KEPT_VECTORS * 4; i++) {
                memory.set(ValueLayout.JAVA_INT, VECTORS + 4L * i, 1000 + i);
            }
            MachineCode.load(caller(CallingConvention.WINDOWS.enter(function())))
                    .call(memory.address(), 0, 0, 0, 0, 0);
            int lowerAddress = (int) memory.address();
            int[] arguments = memory.asSlice(ARGUMENTS, 24).toArray(ValueLayout.JAVA_INT);
            assertThat(arguments).containsExactly(lowerAddress, 2, 3, 4, 5, 6);
            assertThat(memory.get(ValueLayout.JAVA_INT, RDI_AFTER)).isEqualTo(77);
            assertThat(memory.get(ValueLayout.JAVA_INT, RSI_AFTER)).isEqualTo(66);
            assertThat(memory.asSlice(VECTORS_AFTER, VECTORS_AFTER - VECTORS).toArray(ValueLayout.JAVA_INT))
                    .isEqualTo(memory.asSlice(VECTORS, VECTORS_AFTER - VECTORS).toArray(ValueLayout.JAVA_INT));
        }
    }

    /** Of System V: stores its arguments where the first says, and uses the registers that are free to use there. */
    private static byte[] function() {
        Assembler a = new Assembler();
        a.store32(at(RDI, ARGUMENTS), RDI);
        a.store32(at(RDI, ARGUMENTS + 4), RSI);
        a.store32(at(RDI, ARGUMENTS + 8), RDX);
        a.store32(at(RDI, ARGUMENTS + 12), RCX);
        a.store32(at(RDI, ARGUMENTS + 16), R8);
        a.store32(at(RDI, ARGUMENTS + 20), R9);
        for (int i = 0; i < 16; i++) {
            a.vector(Width.XMM, Op.VPXOR, i, i, i);
        }
        a.mov32(RDI, 0);
        a.mov32(RSI, 0);
        a.ret();
        return a.toBytes();
    }

    /** Of System V: calls {@code callee} by the rules of Windows and stores what of the registers has to be as before. */
    private static byte[] caller(byte[] callee) {
        Assembler a = new Assembler();
        Label called = new Label();
        a.push(RBX);
        a.mov(RBX, RDI);
        for (int i = 0; i < KEPT_VECTORS; i++) {
            a.loadVector(FIRST_KEPT_VECTOR + i, at(RBX, VECTORS + 16 * i));
        }
        a.mov(RCX, RBX);
        a.mov32(RDX, 2);
        a.mov32(R8, 3);
        a.mov32(R9, 4);
        a.mov32(RDI, 77);
        a.mov32(RSI, 66);
        a.mov32(RAX, 6);
        a.push(RAX);
        a.mov32(RAX, 5);
        a.push(RAX);
        a.decrease(RSP, 4 * Long.BYTES); // room for the four arguments in registers
        a.call(called);
        a.increase(RSP, 6 * Long.BYTES);
        a.store32(at(RBX, RDI_AFTER), RDI);
        a.store32(at(RBX, RSI_AFTER), RSI);
        for (int i = 0; i < KEPT_VECTORS; i++) {
            a.storeVector(at(RBX, VECTORS_AFTER + 16 * i), FIRST_KEPT_VECTOR + i);
        }
        a.pop(RBX);
        a.ret();
        a.place(called);
        a.append(callee);
        return a.toBytes();
    }
}
