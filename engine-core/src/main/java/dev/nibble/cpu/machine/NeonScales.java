package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Arm64Assembler.SP;
import static dev.nibble.cpu.machine.NeonEmitter.QUARTER;
import static dev.nibble.cpu.machine.NeonEmitter.QUARTERS;
import static dev.nibble.cpu.machine.Quants.LINE;

/** Writes what reads the scales and minima of weights in their {@link Form}, of four rows at a time, as floats. */
final class NeonScales {
    /** On the stack: the scales and minima of a super-block, a float for each row. */
    static final int FRAME = 2 * LINE;

    private static final int SUPER_SCALES = 0;
    private static final int SUPER_MINIMA = LINE;

    private final Arm64Assembler a;
    private final Form form;
    private final Quants quants;
    private final int weights;
    private final int spare;

    /**
     * @param weights the general register that has the address of the block, or super-block
     * @param spare a vector register that is lost
     */
    NeonScales(Arm64Assembler a, Form form, int weights, int spare) {
        this.a = a;
        this.form = form;
        this.weights = weights;
        this.spare = spare;
        quants = form.quants();
    }

    /** Puts the scales and minima of the super-block that begins here on the stack, where there is a {@link #FRAME} for them. */
    void loadSuperBlock() {
        for (int quarter = 0; quarter < QUARTERS; quarter++) {
            if (form.scales().hasFloats()) {
                a.load(spare, weights, quarter * QUARTER);
            } else {
                loadHalves(spare, quarter * QUARTER / 2);
            }
            a.store(spare, SP, SUPER_SCALES + quarter * QUARTER);
            if (form.scales().minima) { // they are subtracted
                loadHalves(spare, LINE / 2 + quarter * QUARTER / 2);
                a.vector(ArmOp.FNEG_4S, spare, spare);
                a.store(spare, SP, SUPER_MINIMA + quarter * QUARTER);
            }
        }
    }

    /** Four halves as floats. */
    private void loadHalves(int to, int offset) {
        a.load8(to, weights, offset);
        a.vector(ArmOp.FCVTL_4S, to, to);
    }

    /** A scale of four rows as floats. */
    void loadScale(int to, int scale, int quarter) {
        int offset = quants.bytes();
        int bytes = offset + scale * Form.ROWS + quarter * 4;
        switch (form.scales()) {
            case HALF, HALF_AND_MINIMUM, HALVES -> loadHalves(to, offset + scale * LINE / 2 + quarter * QUARTER / 2);
            case POWER -> {
                loadBytes(to, bytes, false);
                a.shiftIntsLeft(to, to, 23);
            }
            case BYTE, BYTE_AND_MINIMUM, BYTES, BYTE_OF_FLOAT, BYTES_OF_FLOAT -> {
                loadBytes(to, bytes, true);
                multiplyInts(to, SUPER_SCALES, quarter);
            }
            case NIBBLES_AND_MINIMA -> {
                a.load4(to, weights, bytes);
                a.shiftBytesLeft(to, to, 4);
                a.shiftBytesRight(to, to, 4);
                widen(to, false);
                multiplyInts(to, SUPER_SCALES, quarter);
            }
        }
    }

    /** A minimum of four rows as floats. */
    void loadMinimum(int to, int scale, int quarter) {
        int offset = quants.bytes();
        switch (form.scales()) {
            case HALF_AND_MINIMUM -> loadHalves(to, offset + LINE / 2 + quarter * QUARTER / 2);
            case BYTE_AND_MINIMUM -> {
                loadBytes(to, offset + Form.ROWS + quarter * 4, false);
                multiplyInts(to, SUPER_MINIMA, quarter);
            }
            case NIBBLES_AND_MINIMA -> {
                a.load4(to, weights, offset + scale * Form.ROWS + quarter * 4);
                a.shiftBytesRight(to, to, 4);
                widen(to, false);
                multiplyInts(to, SUPER_MINIMA, quarter);
            }
            default -> throw new IllegalArgumentException(form.dtype() + " has no minima");
        }
    }

    /** Four bytes as ints. */
    private void loadBytes(int to, int offset, boolean areSigned) {
        a.load4(to, weights, offset);
        widen(to, areSigned);
    }

    private void widen(int to, boolean areSigned) {
        a.vector(areSigned ? ArmOp.SSHLL_8H : ArmOp.USHLL_8H, to, to);
        a.vector(areSigned ? ArmOp.SSHLL_4S : ArmOp.USHLL_4S, to, to);
    }

    private void multiplyInts(int to, int factors, int quarter) {
        a.vector(ArmOp.SCVTF_4S, to, to);
        a.load(spare, SP, factors + quarter * QUARTER);
        a.vector(ArmOp.FMUL_4S, to, to, spare);
    }
}
