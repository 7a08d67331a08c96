package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Activations.MINUS_SUM;
import static dev.nibble.cpu.machine.Activations.MINUS_SUMS;
import static dev.nibble.cpu.machine.Activations.SCALE;
import static dev.nibble.cpu.machine.Activations.TOTAL;
import static dev.nibble.cpu.machine.Activations.TOTALS;
import static dev.nibble.cpu.machine.Assembler.R8;
import static dev.nibble.cpu.machine.Assembler.RAX;
import static dev.nibble.cpu.machine.Assembler.RCX;
import static dev.nibble.cpu.machine.Assembler.RDI;
import static dev.nibble.cpu.machine.Assembler.RDX;
import static dev.nibble.cpu.machine.Assembler.RSI;
import static dev.nibble.cpu.machine.Assembler.RSP;
import static dev.nibble.cpu.machine.Assembler.Width.XMM;
import static dev.nibble.cpu.machine.Assembler.Width.YMM;
import static dev.nibble.cpu.machine.Assembler.at;

import dev.nibble.cpu.machine.Assembler.Condition;
import dev.nibble.cpu.machine.Assembler.Label;

/**
 * Rounds a row of floats to {@link Activations}: the row, the blocks to be written, their number. For AVX2.
 *
 * <p>A block with a NaN or an infinity gets NaN as its scale, which makes results NaN as they are without rounding. One
 * whose values are so small that the inverse of the scale overflows becomes zeros.
 */
final class RoundingEmitter {
    static final int SMALLEST_SCALE = 0x00800000; // 2^-126 as a float
    static final int INFINITY = 0x7f800000;
    static final int NAN = 0x7fc00000;

    // registers: the values are in 0 to 3
    private static final int LARGEST = 4; // then the scale
    private static final int INVERSE = 5;
    private static final int SPARE = 6;
    private static final int ONE = 9;
    private static final int LIMIT = 10;
    private static final int ORDER = 12;
    private static final int ONE_WORDS = 13;
    private static final int ONE_BYTES = 14;
    private static final int NO_SIGN = 15;

    private RoundingEmitter() {}

    static byte[] emit() {
        Assembler a = new Assembler();
        loadConstants(a);
        Label next = new Label();
        Label zero = new Label();
        Label notFinite = new Label();
        Label round = new Label();
        a.place(next);
        for (int i = 0; i < 4; i++) {
            a.vector(YMM, Op.VMOVUPS, i, at(RDI, 32 * i));
        }
        // magnitudes as ints, so that infinities and NaNs are the largest
        a.vector(YMM, Op.VPAND, LARGEST, 0, NO_SIGN);
        for (int i = 1; i < 4; i++) {
            a.vector(YMM, Op.VPAND, SPARE, i, NO_SIGN);
            a.vector(YMM, Op.VPMAXUD, LARGEST, LARGEST, SPARE);
        }
        a.vector(YMM, Op.VEXTRACTI128, LARGEST, 0, SPARE, 1);
        a.vector(XMM, Op.VPMAXUD, LARGEST, LARGEST, SPARE);
        a.vector(XMM, Op.VPSHUFD, SPARE, 0, LARGEST, 0x4E);
        a.vector(XMM, Op.VPMAXUD, LARGEST, LARGEST, SPARE);
        a.vector(XMM, Op.VPSHUFD, SPARE, 0, LARGEST, 0xB1);
        a.vector(XMM, Op.VPMAXUD, LARGEST, LARGEST, SPARE);
        a.vector(XMM, Op.VMOVD_TO_GENERAL, LARGEST, 0, RAX);
        a.compare32(RAX, INFINITY);
        a.jump(Condition.ABOVE_OR_EQUAL, notFinite);
        a.vector(XMM, Op.VDIVSS, LARGEST, LARGEST, LIMIT);
        a.vector(XMM, Op.VMOVD_TO_GENERAL, LARGEST, 0, RAX);
        a.compare32(RAX, SMALLEST_SCALE);
        a.jump(Condition.BELOW, zero);
        a.vector(XMM, Op.VDIVSS, INVERSE, ONE, LARGEST);
        a.vector(YMM, Op.VBROADCASTSS, INVERSE, 0, INVERSE);
        a.place(round);
        for (int i = 0; i < 4; i++) {
            a.vector(YMM, Op.VMULPS, i, i, INVERSE);
            a.vector(YMM, Op.VCVTPS2DQ, i, 0, i);
        }
        a.vector(YMM, Op.VPACKSSDW, 0, 0, 1);
        a.vector(YMM, Op.VPACKSSDW, 2, 2, 3);
        a.vector(YMM, Op.VPACKSSWB, 0, 0, 2);
        a.vector(YMM, Op.VPERMD, 0, ORDER, 0);
        a.vector(YMM, Op.VMOVDQU_STORE, 0, at(RSI, 0));
        storeSums(a);
        a.vector(XMM, Op.VMOVSS_STORE, LARGEST, at(RSI, SCALE));
        a.increase(RDI, Form.BLOCK * Float.BYTES);
        a.increase(RSI, Activations.BLOCK_BYTES);
        a.decrement(RDX);
        a.jump(Condition.NOT_EQUAL, next);
        a.vzeroupper();
        a.ret();
        a.place(notFinite);
        a.mov32(RAX, NAN);
        a.vector(XMM, Op.VMOVD_FROM_GENERAL, LARGEST, 0, RAX);
        a.vector(YMM, Op.VPXOR, INVERSE, INVERSE, INVERSE);
        a.jump(round);
        a.place(zero);
        a.vector(XMM, Op.VPXOR, LARGEST, LARGEST, LARGEST);
        a.vector(YMM, Op.VPXOR, INVERSE, INVERSE, INVERSE);
        a.jump(round);
        return a.toBytes();
    }

    private static void loadConstants(Assembler a) {
        broadcast(a, NO_SIGN, 0x7fffffff);
        broadcast(a, ONE_BYTES, 0x01010101);
        broadcast(a, ONE_WORDS, 0x00010001);
        broadcast(a, LIMIT, Float.floatToRawIntBits(127));
        broadcast(a, ONE, Float.floatToRawIntBits(1));
        // Packing works in halves of a register: the order in which its ints are to be taken.
        byte[] order = new byte[32];
        for (int i = 0; i < 8; i++) {
            order[4 * i] = (byte) (i / 2 + i % 2 * 4);
        }
        a.push(order);
        a.vector(YMM, Op.VMOVDQU, ORDER, at(RSP, 0));
        a.increase(RSP, order.length);
    }

    private static void broadcast(Assembler a, int to, int value) {
        a.mov32(RAX, value);
        a.broadcastGeneral(YMM, to, RAX);
    }

    /** Sums of both halves of register 0, and their products with the scale. */
    private static void storeSums(Assembler a) {
        a.vector(YMM, Op.VPMADDUBSW, 1, ONE_BYTES, 0);
        a.vector(YMM, Op.VPMADDWD, 1, 1, ONE_WORDS);
        a.vector(YMM, Op.VPHADDD, 1, 1, 1);
        a.vector(YMM, Op.VPHADDD, 1, 1, 1);
        a.vector(YMM, Op.VEXTRACTI128, 1, 0, 2, 1);
        a.vector(XMM, Op.VMOVD_TO_GENERAL, 1, 0, RAX);
        a.vector(XMM, Op.VMOVD_TO_GENERAL, 2, 0, RCX);
        a.mov(R8, RAX);
        a.add32(R8, RCX);
        storeSum(a, RAX, TOTALS, MINUS_SUMS);
        storeSum(a, RCX, TOTALS + 4, MINUS_SUMS + 4);
        storeSum(a, R8, TOTAL, MINUS_SUM);
    }

    private static void storeSum(Assembler a, int sum, int total, int minusSum) {
        a.vector(XMM, Op.VCVTSI2SS, SPARE, SPARE, sum);
        a.vector(XMM, Op.VMULSS, SPARE, SPARE, LARGEST);
        a.vector(XMM, Op.VMOVSS_STORE, SPARE, at(RSI, total));
        a.negate32(sum);
        a.store32(at(RSI, minusSum), sum);
    }
}
