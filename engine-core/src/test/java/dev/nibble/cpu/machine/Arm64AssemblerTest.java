package dev.nibble.cpu.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.cpu.machine.Arm64Assembler.Condition;
import dev.nibble.cpu.machine.Arm64Assembler.Label;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Words that the GNU assembler makes of the same instructions. */
class Arm64AssemblerTest {
    private static Arguments encoding(String instruction, int word, Consumer<Arm64Assembler> written) {
        return Arguments.of(instruction, word, written);
    }

    static Stream<Arguments> instructions() {
        return Stream.of(
                encoding("and v1.16b, v2.16b, v3.16b", 0x4E231C41, a -> a.vector(ArmOp.AND_16B, 1, 2, 3)),
                encoding("eor v31.16b, v30.16b, v29.16b", 0x6E3D1FDF, a -> a.vector(ArmOp.EOR_16B, 31, 30, 29)),
                encoding("orr v4.16b, v5.16b, v6.16b", 0x4EA61CA4, a -> a.vector(ArmOp.ORR_16B, 4, 5, 6)),
                encoding("bit v4.16b, v5.16b, v6.16b", 0x6EA61CA4, a -> a.vector(ArmOp.BIT_16B, 4, 5, 6)),
                encoding("add v4.4s, v5.4s, v6.4s", 0x4EA684A4, a -> a.vector(ArmOp.ADD_4S, 4, 5, 6)),
                encoding("umax v4.4s, v5.4s, v6.4s", 0x6EA664A4, a -> a.vector(ArmOp.UMAX_4S, 4, 5, 6)),
                encoding("addp v4.8h, v5.8h, v6.8h", 0x4E66BCA4, a -> a.vector(ArmOp.ADDP_8H, 4, 5, 6)),
                encoding("smull v4.8h, v5.8b, v6.8b", 0x0E26C0A4, a -> a.vector(ArmOp.SMULL_8H, 4, 5, 6)),
                encoding("smull2 v4.8h, v5.16b, v6.16b", 0x4E26C0A4, a -> a.vector(ArmOp.SMULL2_8H, 4, 5, 6)),
                encoding("smlal v4.8h, v5.8b, v6.8b", 0x0E2680A4, a -> a.vector(ArmOp.SMLAL_8H, 4, 5, 6)),
                encoding("smlal2 v4.8h, v5.16b, v6.16b", 0x4E2680A4, a -> a.vector(ArmOp.SMLAL2_8H, 4, 5, 6)),
                encoding("smmla v4.4s, v5.16b, v6.16b", 0x4E86A4A4, a -> a.vector(ArmOp.SMMLA_4S, 4, 5, 6)),
                encoding("fmul v4.4s, v5.4s, v6.4s", 0x6E26DCA4, a -> a.vector(ArmOp.FMUL_4S, 4, 5, 6)),
                encoding("fmla v4.4s, v5.4s, v6.4s", 0x4E26CCA4, a -> a.vector(ArmOp.FMLA_4S, 4, 5, 6)),
                encoding("zip1 v4.4s, v5.4s, v6.4s", 0x4E8638A4, a -> a.vector(ArmOp.ZIP1_4S, 4, 5, 6)),
                encoding("zip2 v4.4s, v5.4s, v6.4s", 0x4E8678A4, a -> a.vector(ArmOp.ZIP2_4S, 4, 5, 6)),
                encoding("zip1 v4.2d, v5.2d, v6.2d", 0x4EC638A4, a -> a.vector(ArmOp.ZIP1_2D, 4, 5, 6)),
                encoding("zip2 v4.2d, v5.2d, v6.2d", 0x4EC678A4, a -> a.vector(ArmOp.ZIP2_2D, 4, 5, 6)),
                encoding("uzp1 v4.4s, v5.4s, v6.4s", 0x4E8618A4, a -> a.vector(ArmOp.UZP1_4S, 4, 5, 6)),
                encoding("uzp2 v4.4s, v5.4s, v6.4s", 0x4E8658A4, a -> a.vector(ArmOp.UZP2_4S, 4, 5, 6)),
                encoding("uzp1 v4.8h, v5.8h, v6.8h", 0x4E4618A4, a -> a.vector(ArmOp.UZP1_8H, 4, 5, 6)),
                encoding("uzp1 v4.16b, v5.16b, v6.16b", 0x4E0618A4, a -> a.vector(ArmOp.UZP1_16B, 4, 5, 6)),
                encoding("tbl v4.16b, {v5.16b}, v6.16b", 0x4E0600A4, a -> a.vector(ArmOp.TBL_16B, 4, 5, 6)),
                encoding("fdiv s4, s5, s6", 0x1E2618A4, a -> a.vector(ArmOp.FDIV_S, 4, 5, 6)),
                encoding("fmul s4, s5, s6", 0x1E2608A4, a -> a.vector(ArmOp.FMUL_S, 4, 5, 6)),
                encoding(
                        "sdot v4.4s, v5.16b, v22.4b[0]",
                        0x4F96E0A4,
                        a -> a.element(ArmOp.SDOT_4S_ELEMENT, 4, 5, 22, 0)),
                encoding("sdot v4.4s, v5.16b, v6.4b[1]", 0x4FA6E0A4, a -> a.element(ArmOp.SDOT_4S_ELEMENT, 4, 5, 6, 1)),
                encoding(
                        "sdot v4.4s, v5.16b, v22.4b[2]",
                        0x4F96E8A4,
                        a -> a.element(ArmOp.SDOT_4S_ELEMENT, 4, 5, 22, 2)),
                encoding(
                        "sdot v4.4s, v5.16b, v22.4b[3]",
                        0x4FB6E8A4,
                        a -> a.element(ArmOp.SDOT_4S_ELEMENT, 4, 5, 22, 3)),
                encoding("fmul v4.4s, v5.4s, v22.s[1]", 0x4FB690A4, a -> a.element(ArmOp.FMUL_4S_ELEMENT, 4, 5, 22, 1)),
                encoding("fmla v4.4s, v5.4s, v22.s[2]", 0x4F9618A4, a -> a.element(ArmOp.FMLA_4S_ELEMENT, 4, 5, 22, 2)),
                encoding("scvtf v4.4s, v5.4s", 0x4E21D8A4, a -> a.vector(ArmOp.SCVTF_4S, 4, 5)),
                encoding("fcvtns v4.4s, v5.4s", 0x4E21A8A4, a -> a.vector(ArmOp.FCVTNS_4S, 4, 5)),
                encoding("fcvtl v4.4s, v5.4h", 0x0E2178A4, a -> a.vector(ArmOp.FCVTL_4S, 4, 5)),
                encoding("fcvtl2 v4.4s, v5.8h", 0x4E2178A4, a -> a.vector(ArmOp.FCVTL2_4S, 4, 5)),
                encoding("fabs v4.4s, v5.4s", 0x4EA0F8A4, a -> a.vector(ArmOp.FABS_4S, 4, 5)),
                encoding("fneg v4.4s, v5.4s", 0x6EA0F8A4, a -> a.vector(ArmOp.FNEG_4S, 4, 5)),
                encoding("umaxv s4, v5.4s", 0x6EB0A8A4, a -> a.vector(ArmOp.UMAXV_4S, 4, 5)),
                encoding("addv s4, v5.4s", 0x4EB1B8A4, a -> a.vector(ArmOp.ADDV_4S, 4, 5)),
                encoding("sadalp v4.4s, v5.8h", 0x4E6068A4, a -> a.vector(ArmOp.SADALP_4S, 4, 5)),
                encoding("saddlp v4.8h, v5.16b", 0x4E2028A4, a -> a.vector(ArmOp.SADDLP_8H, 4, 5)),
                encoding("saddlp v4.4s, v5.8h", 0x4E6028A4, a -> a.vector(ArmOp.SADDLP_4S, 4, 5)),
                encoding("sshll v4.8h, v5.8b, #0", 0x0F08A4A4, a -> a.vector(ArmOp.SSHLL_8H, 4, 5)),
                encoding("ushll v4.8h, v5.8b, #0", 0x2F08A4A4, a -> a.vector(ArmOp.USHLL_8H, 4, 5)),
                encoding("sshll v4.4s, v5.4h, #0", 0x0F10A4A4, a -> a.vector(ArmOp.SSHLL_4S, 4, 5)),
                encoding("ushll v4.4s, v5.4h, #0", 0x2F10A4A4, a -> a.vector(ArmOp.USHLL_4S, 4, 5)),
                encoding("shll v4.4s, v5.4h, #16", 0x2E6138A4, a -> a.vector(ArmOp.SHLL_4S, 4, 5)),
                encoding("shll2 v4.4s, v5.8h, #16", 0x6E6138A4, a -> a.vector(ArmOp.SHLL2_4S, 4, 5)),
                encoding("mov v7.16b, v8.16b", 0x4EA81D07, a -> a.move(7, 8)),
                encoding("movi v9.16b, #0", 0x4F00E409, a -> a.clear(9)),
                encoding("movi v9.16b, #0xa5", 0x4F05E4A9, a -> a.fillBytes(9, 0xa5)),
                encoding("dup v9.4s, v10.s[3]", 0x4E1C0549, a -> a.fill(9, 10, 3)),
                encoding("dup v9.2d, v10.d[0]", 0x4E080549, a -> a.fillPairs(9, 10)),
                encoding("ushr v9.16b, v10.16b, #6", 0x6F0A0549, a -> a.shiftBytesRight(9, 10, 6)),
                encoding("shl v9.16b, v10.16b, #3", 0x4F0B5549, a -> a.shiftBytesLeft(9, 10, 3)),
                encoding("shl v9.4s, v10.4s, #0", 0x4F205549, a -> a.shiftIntsLeft(9, 10, 0)),
                encoding("shl v9.4s, v10.4s, #23", 0x4F375549, a -> a.shiftIntsLeft(9, 10, 23)),
                encoding("fmov w9, s10", 0x1E260149, a -> a.moveToGeneral(9, 10)),
                encoding("fmov s9, w10", 0x1E270149, a -> a.moveFromGeneral(9, 10)),
                encoding("fmov d9, x10", 0x9E670149, a -> a.moveFromGeneral64(9, 0, 10)),
                encoding("fmov v9.d[1], x10", 0x9EAF0149, a -> a.moveFromGeneral64(9, 1, 10)),
                encoding("scvtf s9, w10", 0x1E220149, a -> a.convertGeneral(9, 10)),
                encoding("ldr q9, [x10, #65520]", 0x3DFFFD49, a -> a.load(9, 10, 65520)),
                encoding("ldr q9, [sp, #16]", 0x3DC007E9, a -> a.load(9, Arm64Assembler.SP, 16)),
                encoding("ldr d9, [x10, #24]", 0xFD400D49, a -> a.load8(9, 10, 24)),
                encoding("ldr s9, [x10, #36]", 0xBD402549, a -> a.load4(9, 10, 36)),
                encoding("ldp q9, q10, [x11, #1008]", 0xAD5FA969, a -> a.loadPair(9, 10, 11, 1008)),
                encoding("str q9, [x10, #576]", 0x3D809149, a -> a.store(9, 10, 576)),
                encoding("str s9, [x10, #52]", 0xBD003549, a -> a.store4(9, 10, 52)),
                encoding("stp q9, q10, [x11, #-32]", 0xAD3F2969, a -> a.storePair(9, 10, 11, -32)),
                encoding("stp d8, d9, [sp, #16]", 0x6D0127E8, a -> a.storePair8(8, 9, Arm64Assembler.SP, 16)),
                encoding("ldp d8, d9, [sp, #16]", 0x6D4127E8, a -> a.loadPair8(8, 9, Arm64Assembler.SP, 16)),
                encoding("stp x29, x30, [sp]", 0xA9007BFD, a -> a.storeGeneralPair(29, 30, Arm64Assembler.SP, 0)),
                encoding("ldp x29, x30, [sp]", 0xA9407BFD, a -> a.loadGeneralPair(29, 30, Arm64Assembler.SP, 0)),
                encoding("str w9, [x10, #44]", 0xB9002D49, a -> a.storeGeneral4(9, 10, 44)),
                encoding("mov x9, x10", 0xAA0A03E9, a -> a.mov(9, 10)),
                encoding("add x9, x10, x11", 0x8B0B0149, a -> a.add(9, 10, 11)),
                encoding("add sp, sp, #128", 0x910203FF, a -> a.increase(Arm64Assembler.SP, 128)),
                encoding("add x9, x9, #4095", 0x913FFD29, a -> a.increase(9, 4095)),
                encoding("sub sp, sp, #80", 0xD10143FF, a -> a.decrease(Arm64Assembler.SP, 80)),
                encoding("subs x9, x9, #8", 0xF1002129, a -> a.countDown(9, 8)),
                encoding("lsl x9, x10, #6", 0xD37AE549, a -> a.shiftLeft(9, 10, 6)),
                encoding("mov w9, #0x1234", 0x52824689, a -> a.mov32(9, 0x1234)),
                encoding("mov x9, #0x1234", 0xD2824689, a -> a.mov64(9, 0x1234)),
                encoding("add w9, w10, w11", 0x0B0B0149, a -> a.add32(9, 10, 11)),
                encoding("neg w9, w10", 0x4B0A03E9, a -> a.negate32(9, 10)),
                encoding("cmp w9, w10", 0x6B0A013F, a -> a.compare32(9, 10)),
                encoding("ret", 0xD65F03C0, a -> a.ret()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("instructions")
    void writesAnInstructionAsOtherAssemblersDo(String instruction, int word, Consumer<Arm64Assembler> written) {
        assertThat(words(written)).as(instruction).containsExactly(word);
    }

    /** The table above has each: in the order of the enum, at least its bits. */
    @ParameterizedTest
    @EnumSource(ArmOp.class)
    void everyVectorInstructionIsCompared(ArmOp op) {
        assertThat(instructions().mapToInt(arguments -> (int) arguments.get()[1]))
                .anyMatch(word -> (word & op.word) == op.word);
    }

    private static int[] words(Consumer<Arm64Assembler> written) {
        Arm64Assembler a = new Arm64Assembler();
        written.accept(a);
        byte[] bytes = a.toBytes();
        int[] words = new int[bytes.length / Integer.BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(words);
        return words;
    }

    @Test
    void branchesForwardAndBackCountWords() {
        int[] words = words(a -> {
            Label start = new Label();
            Label end = new Label();
            a.place(start);
            a.branch(Condition.NOT_EQUAL, end);
            a.branch(end);
            a.call(start);
            a.branch(Condition.BELOW, start);
            a.branch(start);
            a.place(end);
        });
        assertThat(words).containsExactly(0x540000A1, 0x14000004, 0x97FFFFFE, 0x54FFFFA3, 0x17FFFFFC);
    }

    @Test
    void constantsTakeAsManyWordsAsTheyHaveParts() {
        assertThat(words(a -> a.mov32(1, 0x7f800000))).containsExactly(0x52800001, 0x72AFF001);
        assertThat(words(a -> a.mov64(1, 0x0123_0000_89ab_cdefL))).containsExactly(0xD299BDE1, 0xF2B13561, 0xF2E02461);
    }

    /** A field that is too narrow is an error when code is written, not another instruction. */
    @Test
    void whatDoesNotFitIsRefused() {
        for (Consumer<Arm64Assembler> wrong : Arrays.<Consumer<Arm64Assembler>>asList(
                a -> a.load(0, 0, 8),
                a -> a.load(0, 0, -16),
                a -> a.loadPair(0, 1, 0, 1024),
                a -> a.increase(0, 4096),
                a -> a.countDown(0, -1),
                a -> a.element(ArmOp.SDOT_4S_ELEMENT, 0, 0, 0, 4),
                a -> a.shiftBytesRight(0, 0, 8),
                a -> a.shiftBytesLeft(0, 0, 0),
                a -> a.fillBytes(0, 256),
                a -> a.append(new byte[3]))) {
            assertThatThrownBy(() -> words(wrong)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
