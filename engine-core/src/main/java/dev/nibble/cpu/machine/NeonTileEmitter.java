package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Activations.SCALE;
import static dev.nibble.cpu.machine.Activations.TOTAL;
import static dev.nibble.cpu.machine.NeonEmitter.QUARTER;
import static dev.nibble.cpu.machine.NeonEmitter.elementOf;
import static dev.nibble.cpu.machine.NeonEmitter.minusSum;
import static dev.nibble.cpu.machine.NeonEmitter.total;
import static dev.nibble.cpu.machine.Quants.LINE;
import static dev.nibble.cpu.machine.Quants.PARTS;

import dev.nibble.cpu.machine.Arm64Assembler.Condition;
import dev.nibble.cpu.machine.Arm64Assembler.Label;

/**
 * Kernels for ARM64 that multiply an unpacked group of rows by some inputs, see {@link Emitter#tile}: half of its rows at a time,
 * all blocks, then the other half.
 *
 * <p>A matrix product takes eight columns of two rows. Where there are such products, the lines of two neighbouring parts of a
 * tile have, in 16 bytes each, rows 0 and 1, 2 and 3, 8 and 9, 10 and 11 in the first, 4 and 5, 6 and 7 ... in the second: so that
 * half a line is always of one half of the rows.
 */
final class NeonTileEmitter {
    /** Their sums and outputs, of 8 rows, fill all but eight of the registers. */
    static final int MOST_INPUTS = 6;

    private static final int HALVES = 2;
    private static final int HALF_LINE = LINE / HALVES;

    /** Registers for a half of a line. */
    private static final int VECTORS = 2;

    // general registers; the first six are the arguments
    private static final int TILE = 0;
    private static final int INPUTS = 1;
    private static final int STRIDE = 2;
    private static final int BLOCKS = 3;
    private static final int OUTPUTS = 4;
    private static final int OUTPUT_STRIDE = 5;
    private static final int WEIGHTS = 6;
    private static final int BLOCKS_LEFT = 7;
    private static final int OUTPUT = 8;
    private static final int FIRST_INPUT = 9; // up to 14

    // vector registers: of each input the sums, then the outputs
    private static final int SUMS = 0;
    private static final int RESULTS = SUMS + MOST_INPUTS * VECTORS;
    private static final int ACTIVATIONS = RESULTS + MOST_INPUTS * VECTORS;
    private static final int QUANTS = ACTIVATIONS + MOST_INPUTS; // and the next

    // where those of the quants and activations are free
    private static final int META = 24;
    private static final int TOTALS = 25;
    private static final int FACTOR = 26;
    private static final int FIRST_SUM = 28; // and the next
    private static final int SCALES = 30;
    private static final int MINIMA = 31;

    private final Arm64Assembler a = new Arm64Assembler();
    private final NeonProducts products;
    private final TileShape shape;
    private final int inputs;

    NeonTileEmitter(NeonProducts products, TileShape shape, int inputs) {
        this.products = products;
        this.shape = shape;
        this.inputs = inputs;
    }

    /** Where the columns of a part, an even one, and of the next lie in a block for matrix products, of a quarter of the rows. */
    static int rowPairsAt(int part, int quarter) {
        return (part + quarter % 2) * LINE + quarter / 2 * HALF_LINE;
    }

    byte[] emit() {
        for (int half = 0; half < HALVES; half++) {
            a.mov(WEIGHTS, TILE);
            a.increase(WEIGHTS, half * HALF_LINE);
            a.mov(FIRST_INPUT, INPUTS);
            for (int i = 1; i < inputs; i++) {
                a.add(FIRST_INPUT + i, FIRST_INPUT + i - 1, STRIDE);
            }
            for (int i = 0; i < inputs * VECTORS; i++) {
                a.clear(RESULTS + i);
            }
            a.mov(BLOCKS_LEFT, BLOCKS);
            Label next = new Label();
            a.place(next);
            for (int scale = 0; scale < shape.scales(); scale++) {
                multiply(scale);
            }
            a.increase(WEIGHTS, shape.blockBytes());
            for (int i = 0; i < inputs; i++) {
                a.increase(FIRST_INPUT + i, Activations.BLOCK_BYTES);
            }
            a.countDown(BLOCKS_LEFT, 1);
            a.branch(Condition.NOT_EQUAL, next);
            a.mov(OUTPUT, OUTPUTS);
            for (int i = 0; i < inputs; i++) {
                a.storePair(RESULTS + VECTORS * i, RESULTS + VECTORS * i + 1, OUTPUT, half * HALF_LINE);
                a.add(OUTPUT, OUTPUT, OUTPUT_STRIDE);
            }
        }
        a.ret();
        return a.toBytes();
    }

    private void multiply(int scale) {
        int parts = PARTS / shape.scales();
        boolean arePairs = products == NeonProducts.MATRIX;
        if (arePairs) {
            for (int pair = 0; 2 * pair < inputs; pair++) {
                beginPair(pair, scale);
            }
        } else {
            for (int i = 0; i < inputs; i++) {
                beginSum(i, scale);
            }
        }
        for (int part = scale * parts; part < (scale + 1) * parts; part += PARTS / 2) { // 16 columns
            switch (products) {
                case LONG -> multiplyLong(part);
                case DOT -> multiplyDot(part);
                case MATRIX -> multiplyMatrix(part);
            }
        }
        for (int vector = 0; vector < VECTORS; vector++) {
            int offset = scale * LINE + vector * QUARTER;
            a.load(SCALES, WEIGHTS, TileShape.scalesAt() + offset);
            if (shape.minima()) {
                a.load(MINIMA, WEIGHTS, shape.minimaAt() + offset);
            }
            for (int i = 0; i < inputs; i++) {
                fold(i, vector, scale, arePairs ? sumOfPair(i, vector) : SUMS + VECTORS * i + vector);
            }
        }
    }

    /** Whether sums begin with minus the center times the sum of the activations. */
    private boolean isCentered() {
        return shape.center() != 0 && !NeonProducts.areSigned(shape.largest());
    }

    private int centerShift() {
        return Integer.numberOfTrailingZeros(shape.center());
    }

    private void beginSum(int input, int scale) {
        int sum = SUMS + VECTORS * input;
        if (!isCentered()) {
            a.clear(sum);
        } else {
            a.load4(sum, FIRST_INPUT + input, minusSum(shape, scale));
            a.fill(sum, sum, 0);
            a.shiftIntsLeft(sum, sum, centerShift());
        }
        a.move(sum + 1, sum);
    }

    private void multiplyDot(int firstPart) {
        loadActivations(firstPart);
        for (int part = 0; part < PARTS / 2; part++) {
            a.loadPair(QUANTS, QUANTS + 1, WEIGHTS, (firstPart + part) * LINE);
            for (int i = 0; i < inputs; i++) {
                for (int vector = 0; vector < VECTORS; vector++) {
                    int sum = SUMS + VECTORS * i + vector;
                    a.element(ArmOp.SDOT_4S_ELEMENT, sum, QUANTS + vector, ACTIVATIONS + i, part);
                }
            }
        }
    }

    private void loadActivations(int firstPart) {
        for (int i = 0; i < inputs; i++) {
            a.load(ACTIVATIONS + i, FIRST_INPUT + i, Integer.BYTES * firstPart);
        }
    }

    private void multiplyLong(int firstPart) {
        int words = ACTIVATIONS + 1; // and the next
        int element = ACTIVATIONS + 3;
        int length = Math.min(PARTS / 2, NeonProducts.partsOfSum(shape.largest()));
        for (int i = 0; i < inputs; i++) {
            a.load(ACTIVATIONS, FIRST_INPUT + i, Integer.BYTES * firstPart);
            for (int vector = 0; vector < VECTORS; vector++) {
                for (int part = 0; part < PARTS / 2; part++) {
                    boolean isFirst = part % length == 0;
                    a.load(QUANTS, WEIGHTS, (firstPart + part) * LINE + vector * QUARTER);
                    a.fill(element, ACTIVATIONS, part);
                    a.vector(isFirst ? ArmOp.SMULL_8H : ArmOp.SMLAL_8H, words, QUANTS, element);
                    a.vector(isFirst ? ArmOp.SMULL2_8H : ArmOp.SMLAL2_8H, words + 1, QUANTS, element);
                    if ((part + 1) % length == 0 || part + 1 == PARTS / 2) {
                        a.vector(ArmOp.ADDP_8H, words, words, words + 1);
                        a.vector(ArmOp.SADALP_4S, SUMS + VECTORS * i + vector, words);
                    }
                }
            }
        }
    }

    // Of a pair of inputs, the last of an odd number twice, there are four sums: for each pair of rows a register with
    // those of
    // the first row, then of the second.

    private static int pairSum(int pair, int rows) {
        return SUMS + 2 * VECTORS * pair + rows;
    }

    private int inputOfPair(int pair, int index) {
        return FIRST_INPUT + Math.min(2 * pair + index, inputs - 1);
    }

    private void beginPair(int pair, int scale) {
        int first = pairSum(pair, 0);
        if (!isCentered()) {
            a.clear(first);
        } else {
            a.load4(first, inputOfPair(pair, 0), minusSum(shape, scale));
            a.load4(first + 1, inputOfPair(pair, 1), minusSum(shape, scale));
            a.vector(ArmOp.ZIP1_4S, first, first, first + 1);
            a.fillPairs(first, first);
            a.shiftIntsLeft(first, first, centerShift());
        }
        for (int rows = 1; rows < 2 * VECTORS; rows++) {
            a.move(first + rows, first);
        }
    }

    private void multiplyMatrix(int firstPart) {
        for (int pair = 0; 2 * pair < inputs; pair++) {
            int eight = ACTIVATIONS + 2 * pair; // columns of both, then the next eight
            a.load(eight, inputOfPair(pair, 0), Integer.BYTES * firstPart);
            a.load(eight + 1, inputOfPair(pair, 1), Integer.BYTES * firstPart);
            a.vector(ArmOp.ZIP1_2D, QUANTS, eight, eight + 1);
            a.vector(ArmOp.ZIP2_2D, eight + 1, eight, eight + 1);
            a.move(eight, QUANTS);
        }
        for (int part = 0; part < PARTS / 2; part++) {
            // of two parts the first 16 rows' pairs, then the others
            a.loadPair(QUANTS, QUANTS + 1, WEIGHTS, (firstPart + part) * LINE);
            for (int pair = 0; 2 * pair < inputs; pair++) {
                for (int rows = 0; rows < 2; rows++) {
                    int sum = pairSum(pair, part % 2 * 2 + rows);
                    a.vector(ArmOp.SMMLA_4S, sum, QUANTS + rows, ACTIVATIONS + 2 * pair + part / 2);
                }
            }
        }
    }

    /** Where the sums of four rows and an input are; it has to be asked for both inputs of a pair in turn. */
    private int sumOfPair(int input, int vector) {
        int first = pairSum(input / 2, 2 * vector);
        a.vector(input % 2 == 0 ? ArmOp.UZP1_4S : ArmOp.UZP2_4S, FIRST_SUM, first, first + 1);
        return FIRST_SUM;
    }

    private void fold(int input, int vector, int scale, int sum) {
        int result = RESULTS + VECTORS * input + vector;
        a.load(META, FIRST_INPUT + input, SCALE);
        a.vector(ArmOp.SCVTF_4S, sum, sum);
        a.element(ArmOp.FMUL_4S_ELEMENT, FACTOR, SCALES, META, elementOf(SCALE));
        a.vector(ArmOp.FMLA_4S, result, sum, FACTOR);
        if (shape.minima()) {
            int total = total(shape, scale);
            a.load(TOTALS, FIRST_INPUT + input, TOTAL);
            a.element(ArmOp.FMLA_4S_ELEMENT, result, MINIMA, TOTALS, elementOf(total));
        }
    }
}
