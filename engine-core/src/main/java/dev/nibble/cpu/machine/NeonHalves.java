package dev.nibble.cpu.machine;

import dev.nibble.cpu.machine.Arm64Assembler.Condition;
import dev.nibble.cpu.machine.Arm64Assembler.Label;
import dev.nibble.tensor.DType;

/** {@link HalfEmitter#multiply} for ARM64. The order of the sums is that of AVX2: column by column. */
final class NeonHalves {
    /** Input rows that are multiplied together at most: their sums fill most of the registers. */
    static final int MOST_INPUTS = 5;

    /** Registers that hold 16 floats. */
    private static final int QUARTERS = 4;

    /** Columns whose activations a register has. */
    private static final int COLUMNS = 4;

    // general registers; the first six are the arguments
    private static final int WEIGHTS = 0;
    private static final int INPUTS = 1;
    private static final int STRIDE = 2;
    private static final int GROUPS = 3;
    private static final int TURNS = 4;
    private static final int OUTPUTS = 5;
    private static final int TURNS_LEFT = 6;
    private static final int OUTPUT = 7;
    private static final int OUTPUT_STRIDE = 8;
    private static final int FIRST_INPUT = 9; // up to 13

    // vector registers, after those of the sums
    private static final int ACTIVATIONS = MOST_INPUTS * QUARTERS;
    private static final int VALUES = ACTIVATIONS + MOST_INPUTS;
    private static final int RAW = VALUES + QUARTERS; // and the next

    private final Arm64Assembler a = new Arm64Assembler();
    private final DType dtype;
    private final int inputs;

    private NeonHalves(DType dtype, int inputs) {
        this.dtype = dtype;
        this.inputs = inputs;
    }

    static byte[] multiply(DType dtype, int inputs) {
        return new NeonHalves(dtype, inputs).multiply();
    }

    private byte[] multiply() {
        int columnBytes = HalfEmitter.columnBytes(dtype);
        a.shiftLeft(OUTPUT_STRIDE, GROUPS, 6);
        Label nextGroup = new Label();
        a.place(nextGroup);
        for (int sum = 0; sum < inputs * QUARTERS; sum++) {
            a.clear(sum);
        }
        a.mov(FIRST_INPUT, INPUTS);
        for (int i = 1; i < inputs; i++) {
            a.add(FIRST_INPUT + i, FIRST_INPUT + i - 1, STRIDE);
        }
        a.mov(TURNS_LEFT, TURNS);
        Label nextColumns = new Label();
        a.place(nextColumns);
        for (int first = 0; first < HalfEmitter.STEP; first += COLUMNS) {
            for (int i = 0; i < inputs; i++) {
                a.load(ACTIVATIONS + i, FIRST_INPUT + i, first * Float.BYTES);
            }
            for (int column = 0; column < COLUMNS; column++) {
                loadColumn((first + column) * columnBytes);
                for (int i = 0; i < inputs; i++) {
                    for (int quarter = 0; quarter < QUARTERS; quarter++) {
                        int sum = QUARTERS * i + quarter;
                        a.element(ArmOp.FMLA_4S_ELEMENT, sum, VALUES + quarter, ACTIVATIONS + i, column);
                    }
                }
            }
        }
        a.increase(WEIGHTS, HalfEmitter.STEP * columnBytes);
        for (int i = 0; i < inputs; i++) {
            a.increase(FIRST_INPUT + i, HalfEmitter.STEP * Float.BYTES);
        }
        a.countDown(TURNS_LEFT, 1);
        a.branch(Condition.NOT_EQUAL, nextColumns);
        a.mov(OUTPUT, OUTPUTS);
        for (int i = 0; i < inputs; i++) {
            a.storePair(QUARTERS * i, QUARTERS * i + 1, OUTPUT, 0);
            a.storePair(QUARTERS * i + 2, QUARTERS * i + 3, OUTPUT, 32);
            a.add(OUTPUT, OUTPUT, OUTPUT_STRIDE);
        }
        a.increase(OUTPUTS, Form.ROWS * Float.BYTES);
        a.countDown(GROUPS, 1);
        a.branch(Condition.NOT_EQUAL, nextGroup);
        a.ret();
        return a.toBytes();
    }

    /** 16 weights of a column as floats. */
    private void loadColumn(int offset) {
        switch (dtype) {
            case F32 -> {
                a.loadPair(VALUES, VALUES + 1, WEIGHTS, offset);
                a.loadPair(VALUES + 2, VALUES + 3, WEIGHTS, offset + 32);
            }
            case F16 -> widen(offset, ArmOp.FCVTL_4S, ArmOp.FCVTL2_4S);
            case BF16 -> widen(offset, ArmOp.SHLL_4S, ArmOp.SHLL2_4S);
            default -> throw new IllegalArgumentException(dtype.name());
        }
    }

    private void widen(int offset, ArmOp lower, ArmOp upper) {
        a.loadPair(RAW, RAW + 1, WEIGHTS, offset);
        for (int half = 0; half < 2; half++) {
            a.vector(lower, VALUES + 2 * half, RAW + half);
            a.vector(upper, VALUES + 2 * half + 1, RAW + half);
        }
    }
}
