package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Assembler.R10;
import static dev.nibble.cpu.machine.Assembler.R12;
import static dev.nibble.cpu.machine.Assembler.R8;
import static dev.nibble.cpu.machine.Assembler.RAX;
import static dev.nibble.cpu.machine.Assembler.RBX;
import static dev.nibble.cpu.machine.Assembler.RDI;
import static dev.nibble.cpu.machine.Assembler.RDX;
import static dev.nibble.cpu.machine.Assembler.RSP;
import static dev.nibble.cpu.machine.Assembler.Width.XMM;
import static dev.nibble.cpu.machine.Assembler.Width.ZMM;
import static dev.nibble.cpu.machine.Assembler.at;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Instructions that only {@link AmxEmitter} has, beside the bytes that the GNU assembler makes of them. */
class AmxEncodingTest {
    private static void check(String expected, Consumer<Assembler> instruction) {
        Assembler a = new Assembler();
        instruction.accept(a);
        assertThat(HexFormat.of().formatHex(a.toBytes())).isEqualTo(expected);
    }

    @Test
    void tiles() {
        // ldtilecfg [rsp+0] with a displacement of one byte, as all here
        check("c4e27849442400", a -> a.vector(XMM, Op.LDTILECFG, 0, at(RSP, 0)));
        // tilerelease
        check("c4e27849c0", a -> a.vector(XMM, Op.TILERELEASE, 0, 0));
        // tilezero tmm0; tilezero tmm3
        check("c4e27b49c0", a -> a.vector(XMM, Op.TILEZERO, 0, 0));
        check("c4e27b49d8", a -> a.vector(XMM, Op.TILEZERO, 3, 0));
        // tileloadd tmm6, [r10+rbx*1+0]; tmm7, [r10+rbx*1+0x400]
        check("c4c27b4b741a00", a -> a.vector(XMM, Op.TILELOADD, 6, at(R10, RBX, 1, 0)));
        check("c4c27b4bbc1a00040000", a -> a.vector(XMM, Op.TILELOADD, 7, at(R10, RBX, 1, 0x400)));
        // tileloadd tmm4, [rax+rdx*1+0]; tmm5, [r12+rdx*1+0]
        check("c4e27b4b641000", a -> a.vector(XMM, Op.TILELOADD, 4, at(RAX, RDX, 1, 0)));
        check("c4c27b4b6c1400", a -> a.vector(XMM, Op.TILELOADD, 5, at(R12, RDX, 1, 0)));
        // tileloadd tmm3, [r8+rbx*2+0x840]; tilestored [r8+rbx*2+0x40], tmm1
        check("c4c27b4b9c5840080000", a -> a.vector(XMM, Op.TILELOADD, 3, at(R8, RBX, 2, 0x840)));
        check("c4c27a4b4c5840", a -> a.vector(XMM, Op.TILESTORED, 1, at(R8, RBX, 2, 0x40)));
        // tdpbf16ps tmm0, tmm4, tmm6; tmm3, tmm5, tmm7
        check("c4e24a5cc4", a -> a.vector(XMM, Op.TDPBF16PS, 0, 6, 4));
        check("c4e2425cdd", a -> a.vector(XMM, Op.TDPBF16PS, 3, 7, 5));
    }

    @Test
    void vectors() {
        // vfmadd213ps zmm24, zmm26, zmm28
        check("62022d40a8c4", a -> a.vector(ZMM, Op.VFMADD213PS, 24, 26, 28));
        // vpsrad zmm3, zmm24, 24
        check("6291654872e018", a -> a.shift(ZMM, Op.VPSRAD, 3, 24, 24));
        // vpsubb zmm24, zmm24, zmm7
        check("62613d40f8c7", a -> a.vector(ZMM, Op.VPSUBB, 24, 24, 7));
        // vpternlogd zmm4, zmm1, zmm6, 0xf8
        check("62f3754825e6f8", a -> a.vector(ZMM, Op.VPTERNLOGD, 4, 1, 6, 0xF8));
        // vpmovzxwd zmm16, [rdi+0x20]
        check("62e27d48334701", a -> a.vector(ZMM, Op.VPMOVZXWD, 16, at(RDI, 0x20)));
    }
}
