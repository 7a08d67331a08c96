package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Arm64Assembler.SP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.cpu.machine.Arm64Assembler.Label;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("machine-code")
class Arm64ProcessorTest {
    /** Words that Linux gives for processors: their bits are in its interface. */
    @Test
    void theBestProductsThereAreAreTaken() {
        long raspberryPi4 = 0x8ff;
        long raspberryPi5 = 0x119fff; // with asimddp, fphp, asimdhp
        assertThat(Arm64Processor.ofLinux(raspberryPi4, 0)).isEqualTo(NeonProducts.LONG);
        assertThat(Arm64Processor.ofLinux(raspberryPi5, 0)).isEqualTo(NeonProducts.DOT);
        assertThat(Arm64Processor.ofLinux(raspberryPi5, 1 << 13)).isEqualTo(NeonProducts.MATRIX);
        assertThat(Arm64Processor.ofLinux(raspberryPi4, 1 << 13)).isEqualTo(NeonProducts.LONG);
        assertThatThrownBy(() -> Arm64Processor.ofLinux(0, 0)).isInstanceOf(UnsupportedOperationException.class);
    }

    /** What choosing kernels takes as a reason for others. */
    @Test
    void aFunctionThatTheSystemLacksIsNamed() {
        assumeTrue(MachineCode.isSupported() && MachineCode.isAllowed(), "no native functions can be called here");
        SymbolLookup system = Linker.nativeLinker().defaultLookup();
        FunctionDescriptor type = FunctionDescriptor.ofVoid();
        assertThatThrownBy(() -> CodeMemory.find(system, "nibble_has_no_such_function", type))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("nibble_has_no_such_function");
    }

    /** Calls code as compilers do, and looks at what a caller relies on. */
    @Test
    void codeGetsItsArgumentsAndKeepsWhatIsTheCallers() {
        assumeTrue(MachineCode.isArm64() && MachineCode.isSupported() && MachineCode.isAllowed(), "not on ARM64");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(256, 16);
            for (int i = 0; i < 8; i++) {
                memory.set(ValueLayout.JAVA_LONG, 64 + 8L * i, 1000 + i);
            }
            MachineCode.load(caller()).call(memory.address(), 2, 3, 4, 5, 6);
            assertThat(memory.asSlice(0, 24).toArray(ValueLayout.JAVA_INT))
                    .containsExactly((int) memory.address(), 2, 3, 4, 5, 6);
            assertThat(memory.asSlice(128, 64).toArray(ValueLayout.JAVA_LONG))
                    .isEqualTo(memory.asSlice(64, 64).toArray(ValueLayout.JAVA_LONG));
        }
    }

    /** Fills the vector registers that are the caller's, calls, and stores what they are then. */
    private static byte[] caller() {
        Arm64Assembler a = new Arm64Assembler();
        Label called = new Label();
        a.decrease(SP, 32);
        a.storeGeneralPair(Arm64Assembler.FP, Arm64Assembler.LR, SP, 0);
        a.storeGeneralPair(0, 0, SP, 16);
        for (int i = 0; i < 8; i += 2) {
            a.loadPair8(8 + i, 9 + i, 0, 64 + 8 * i);
        }
        a.call(called);
        a.loadGeneralPair(0, 1, SP, 16);
        for (int i = 0; i < 8; i += 2) {
            a.storePair8(8 + i, 9 + i, 0, 128 + 8 * i);
        }
        a.loadGeneralPair(Arm64Assembler.FP, Arm64Assembler.LR, SP, 0);
        a.increase(SP, 32);
        a.ret();
        a.place(called);
        a.append(CallingConvention.AAPCS64.enter(function()));
        return a.toBytes();
    }

    /** Stores its arguments where the first says, and uses all vector registers. */
    private static byte[] function() {
        Arm64Assembler a = new Arm64Assembler();
        for (int i = 0; i < 6; i++) {
            a.storeGeneral4(i, 0, 4 * i);
        }
        for (int i = 0; i < 32; i++) {
            a.fillBytes(i, 0xff);
        }
        a.ret();
        return a.toBytes();
    }
}
