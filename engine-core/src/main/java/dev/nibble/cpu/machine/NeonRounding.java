package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Activations.MINUS_SUM;
import static dev.nibble.cpu.machine.Activations.MINUS_SUMS;
import static dev.nibble.cpu.machine.Activations.SCALE;
import static dev.nibble.cpu.machine.Activations.TOTAL;
import static dev.nibble.cpu.machine.Activations.TOTALS;

import dev.nibble.cpu.machine.Arm64Assembler.Condition;
import dev.nibble.cpu.machine.Arm64Assembler.Label;

/** What {@link RoundingEmitter} does, for ARM64: the row, the blocks to be written, their number. */
final class NeonRounding {
    // general registers: the arguments and some more
    private static final int ROW = 0;
    private static final int TO = 1;
    private static final int COUNT = 2;
    private static final int INFINITY = 3;
    private static final int SMALLEST_SCALE = 4;
    private static final int VALUE = 5;
    private static final int FIRST_SUM = 6; // and that of the second half
    private static final int SUM = 8;
    private static final int MINUS = 9;

    // vector registers: the values are in 0 to 7
    private static final int VALUES = 8;
    private static final int MAGNITUDE = 16;
    private static final int LARGEST = 17; // then the scale
    private static final int INVERSE = 18;
    private static final int SUMS = 19;
    private static final int LIMIT = 20;
    private static final int ONE = 21;

    private final Arm64Assembler a = new Arm64Assembler();

    private NeonRounding() {}

    static byte[] emit() {
        return new NeonRounding().write();
    }

    private byte[] write() {
        a.mov32(INFINITY, RoundingEmitter.INFINITY);
        a.mov32(SMALLEST_SCALE, RoundingEmitter.SMALLEST_SCALE);
        constant(LIMIT, 127);
        constant(ONE, 1);
        Label next = new Label();
        Label zero = new Label();
        Label notFinite = new Label();
        Label round = new Label();
        a.place(next);
        for (int i = 0; i < VALUES; i++) {
            a.load(i, ROW, 16 * i);
        }
        // magnitudes as ints, so that infinities and NaNs are the largest
        a.vector(ArmOp.FABS_4S, LARGEST, 0);
        for (int i = 1; i < VALUES; i++) {
            a.vector(ArmOp.FABS_4S, MAGNITUDE, i);
            a.vector(ArmOp.UMAX_4S, LARGEST, LARGEST, MAGNITUDE);
        }
        a.vector(ArmOp.UMAXV_4S, LARGEST, LARGEST);
        a.moveToGeneral(VALUE, LARGEST);
        a.compare32(VALUE, INFINITY);
        a.branch(Condition.ABOVE_OR_EQUAL, notFinite);
        a.vector(ArmOp.FDIV_S, LARGEST, LARGEST, LIMIT);
        a.moveToGeneral(VALUE, LARGEST);
        a.compare32(VALUE, SMALLEST_SCALE);
        a.branch(Condition.BELOW, zero);
        a.vector(ArmOp.FDIV_S, INVERSE, ONE, LARGEST);
        a.place(round);
        for (int i = 0; i < VALUES; i++) {
            a.element(ArmOp.FMUL_4S_ELEMENT, i, i, INVERSE, 0);
            a.vector(ArmOp.FCVTNS_4S, i, i);
        }
        for (int i = 0; i < VALUES; i += 2) { // the lower halves of ints, then the lower bytes of those
            a.vector(ArmOp.UZP1_8H, i, i, i + 1);
        }
        a.vector(ArmOp.UZP1_16B, 0, 0, 2);
        a.vector(ArmOp.UZP1_16B, 1, 4, 6);
        a.storePair(0, 1, TO, 0);
        for (int half = 0; half < 2; half++) {
            a.vector(ArmOp.SADDLP_8H, SUMS, half);
            a.vector(ArmOp.SADDLP_4S, SUMS, SUMS);
            a.vector(ArmOp.ADDV_4S, SUMS, SUMS);
            a.moveToGeneral(FIRST_SUM + half, SUMS);
            storeSum(FIRST_SUM + half, TOTALS + Float.BYTES * half, MINUS_SUMS + Integer.BYTES * half);
        }
        a.add32(SUM, FIRST_SUM, FIRST_SUM + 1);
        storeSum(SUM, TOTAL, MINUS_SUM);
        a.store4(LARGEST, TO, SCALE);
        a.increase(ROW, Form.BLOCK * Float.BYTES);
        a.increase(TO, Activations.BLOCK_BYTES);
        a.countDown(COUNT, 1);
        a.branch(Condition.NOT_EQUAL, next);
        a.ret();
        a.place(notFinite);
        a.mov32(VALUE, RoundingEmitter.NAN);
        a.moveFromGeneral(LARGEST, VALUE);
        a.clear(INVERSE);
        a.branch(round);
        a.place(zero);
        a.clear(LARGEST);
        a.clear(INVERSE);
        a.branch(round);
        return a.toBytes();
    }

    private void constant(int to, float value) {
        a.mov32(VALUE, Float.floatToRawIntBits(value));
        a.moveFromGeneral(to, VALUE);
    }

    private void storeSum(int sum, int total, int minusSum) {
        a.convertGeneral(SUMS, sum);
        a.vector(ArmOp.FMUL_S, SUMS, SUMS, LARGEST);
        a.store4(SUMS, TO, total);
        a.negate32(MINUS, sum);
        a.storeGeneral4(MINUS, TO, minusSum);
    }
}
