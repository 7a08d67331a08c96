package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Activations.MINUS_SUM;
import static dev.nibble.cpu.machine.Activations.MINUS_SUMS;
import static dev.nibble.cpu.machine.Activations.SCALE;
import static dev.nibble.cpu.machine.Activations.TOTAL;
import static dev.nibble.cpu.machine.Activations.TOTALS;
import static dev.nibble.cpu.machine.Arm64Assembler.SP;
import static dev.nibble.cpu.machine.Quants.LINE;
import static dev.nibble.cpu.machine.Quants.PARTS;

import dev.nibble.cpu.machine.Arm64Assembler.Condition;
import dev.nibble.cpu.machine.Arm64Assembler.Label;
import dev.nibble.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * Kernels for ARM64: a register holds a quarter of a line, so 4 rows. Quants are multiplied as signed bytes: those of 8 bits are
 * made so first. Sums are added to outputs in the order of the kernels for AVX2 and AVX-512, so results are theirs to the last
 * bit.
 */
final class NeonEmitter implements Emitter {
    static final int QUARTERS = 4;

    /** Bytes of a quarter of a line. */
    static final int QUARTER = LINE / QUARTERS;

    private static final int HALVES = 2;

    /** Parts of a half of a block, whose products have a sum of their own. */
    private static final int HALF_PARTS = PARTS / HALVES;

    // General registers. The first six are the arguments.
    private static final int WEIGHTS = 0;
    private static final int INPUTS = 1; // of unpacking: the tile
    private static final int STRIDE = 2; // of unpacking: the number of blocks
    private static final int GROUPS = 3;
    private static final int BLOCKS = 4;
    private static final int OUTPUTS = 5;
    private static final int BLOCKS_LEFT = 6;
    private static final int IN_SUPER_BLOCK = 7;
    private static final int CONSTANT = 8;
    private static final int FIRST_INPUT = 9;
    private static final int SECOND_INPUT = 10;
    private static final int OUTPUT_STRIDE = 11;
    private static final int SECOND_OUTPUT = 12;

    // Vector registers. Of each input: its outputs, the 64 bytes of a block, two sums.
    private static final int RESULTS = 0;
    private static final int ACTIVATIONS = 8;
    private static final int SUMS = 16;
    // and of all
    private static final int WORDS = 20; // and the next, then those of the second input
    private static final int ELEMENT = 24;
    private static final int QUANTS = 25;
    private static final int SPARE = 26;
    private static final int FACTOR = 27;
    private static final int MINIMUM = 28;
    private static final int LOW_MASK = 29;
    private static final int HIGH_MASK = 30;
    private static final int LEVELS = 31; // or what makes quants of 8 bits signed

    private final NeonProducts products;

    NeonEmitter(NeonProducts products) {
        this.products = products;
    }

    @Override
    public String name() {
        return products.description;
    }

    @Override
    public int mostOfFew() {
        return 2;
    }

    @Override
    public int mostOfTile() {
        return NeonTileEmitter.MOST_INPUTS;
    }

    @Override
    public byte[] round() {
        return NeonRounding.emit();
    }

    @Override
    public byte @Nullable [] pack(Form form, Source source) {
        return null;
    }

    @Override
    public int mostOfHalves() {
        return NeonHalves.MOST_INPUTS;
    }

    @Override
    public byte[] halves(DType dtype, int inputs) {
        return NeonHalves.multiply(dtype, inputs);
    }

    @Override
    public byte @Nullable [] packHalves(DType dtype) {
        return null;
    }

    @Override
    public byte[] tile(TileShape shape, int inputs) {
        return new NeonTileEmitter(products, shape, inputs).emit();
    }

    @Override
    public byte[] few(Form form, int inputs) {
        return new Kernel(form, inputs).few();
    }

    @Override
    public byte[] unpack(Form form) {
        return new Kernel(form, 0).unpack();
    }

    /** Four bytes of a float, an int or a scale of an input's block: the register behind that of the quants, and an element. */
    static int elementOf(int offset) {
        return (offset - SCALE) % 16 / Float.BYTES;
    }

    static int minusSum(TileShape shape, int scale) {
        return shape.halves() ? MINUS_SUMS + Integer.BYTES * scale : MINUS_SUM;
    }

    static int total(TileShape shape, int scale) {
        return shape.halves() ? TOTALS + Float.BYTES * scale : TOTAL;
    }

    /** What reads weights in their form. */
    private final class Kernel {
        private final Arm64Assembler a = new Arm64Assembler();
        private final Form form;
        private final Quants quants;
        private final TileShape shape;
        private final NeonScales scales;
        private final int inputs;

        private Kernel(Form form, int inputs) {
            this.form = form;
            scales = new NeonScales(a, form, WEIGHTS, SPARE);
            this.inputs = inputs;
            quants = form.quants();
            shape = form.tileShape();
        }

        private void enter() {
            a.decrease(SP, NeonScales.FRAME);
            a.fillBytes(LOW_MASK, quants.lowMask() & 0xff);
            a.fillBytes(HIGH_MASK, quants.highMask() & 0xff);
            boolean areSigned = NeonProducts.areSigned(shape.largest());
            byte[] levels = form.levels();
            if (levels == null) {
                a.fillBytes(LEVELS, areSigned ? 0x80 : 0);
                return;
            }
            for (int half = 0; half < HALVES; half++) {
                long bytes = 0;
                for (int i = 0; i < Long.BYTES; i++) {
                    int level = levels[Long.BYTES * half + i] ^ (areSigned ? 0x80 : 0);
                    bytes |= (level & 0xffL) << Byte.SIZE * i;
                }
                a.mov64(CONSTANT, bytes);
                a.moveFromGeneral64(LEVELS, half, CONSTANT);
            }
        }

        private byte[] leave() {
            a.increase(SP, NeonScales.FRAME);
            a.ret();
            return a.toBytes();
        }

        private byte[] few() {
            enter();
            a.shiftLeft(OUTPUT_STRIDE, GROUPS, 6);
            Label nextGroup = new Label();
            a.place(nextGroup);
            for (int i = 0; i < inputs * QUARTERS; i++) {
                a.clear(RESULTS + i);
            }
            a.mov(FIRST_INPUT, INPUTS);
            a.add(SECOND_INPUT, INPUTS, STRIDE);
            forEachBlock(BLOCKS, this::multiplyBlock);
            a.add(SECOND_OUTPUT, OUTPUTS, OUTPUT_STRIDE);
            for (int i = 0; i < inputs; i++) {
                int to = i == 0 ? OUTPUTS : SECOND_OUTPUT;
                a.storePair(RESULTS + QUARTERS * i, RESULTS + QUARTERS * i + 1, to, 0);
                a.storePair(RESULTS + QUARTERS * i + 2, RESULTS + QUARTERS * i + 3, to, LINE / 2);
            }
            a.increase(OUTPUTS, LINE);
            a.countDown(GROUPS, 1);
            a.branch(Condition.NOT_EQUAL, nextGroup);
            return leave();
        }

        /** The loop over blocks; the weights are moved on. */
        private void forEachBlock(int blocks, Runnable body) {
            a.mov(BLOCKS_LEFT, blocks);
            Label next = new Label();
            a.place(next);
            if (form.hasSuperBlocks()) {
                scales.loadSuperBlock();
                a.increase(WEIGHTS, form.scales().superBytes);
                a.mov32(IN_SUPER_BLOCK, Form.SUPER_BLOCKS);
                Label nextOfSuperBlock = new Label();
                a.place(nextOfSuperBlock);
                body.run();
                a.increase(WEIGHTS, form.blockBytes());
                a.countDown(IN_SUPER_BLOCK, 1);
                a.branch(Condition.NOT_EQUAL, nextOfSuperBlock);
                a.countDown(BLOCKS_LEFT, Form.SUPER_BLOCKS);
            } else {
                body.run();
                a.increase(WEIGHTS, form.blockBytes());
                a.countDown(BLOCKS_LEFT, 1);
            }
            a.branch(Condition.NOT_EQUAL, next);
        }

        private void multiplyBlock() {
            for (int i = 0; i < inputs; i++) {
                int from = i == 0 ? FIRST_INPUT : SECOND_INPUT;
                int to = ACTIVATIONS + QUARTERS * i;
                a.loadPair(to, to + 1, from, 0);
                a.loadPair(to + 2, to + 3, from, SCALE);
                a.increase(from, Activations.BLOCK_BYTES);
            }
            for (int quarter = 0; quarter < QUARTERS; quarter++) {
                for (int i = 0; i < inputs; i++) {
                    beginSums(i);
                }
                for (int part = 0; part < PARTS; part++) {
                    decode(QUANTS, part, quarter);
                    for (int i = 0; i < inputs; i++) {
                        multiply(i, part);
                    }
                }
                fold(quarter);
            }
        }

        private int metaOf(int input, int offset) {
            return ACTIVATIONS + QUARTERS * input + offset / 16;
        }

        /** Begins the sums of products with minus the center times the sum of the activations. */
        private void beginSums(int input) {
            boolean isCentered = form.center() != 0 && !NeonProducts.areSigned(shape.largest());
            for (int half = 0; half < HALVES; half++) {
                int sum = SUMS + HALVES * input + half;
                if (isCentered && half < shape.scales()) {
                    int offset = minusSum(shape, half);
                    a.fill(sum, metaOf(input, offset), elementOf(offset));
                    a.shiftIntsLeft(sum, sum, Integer.numberOfTrailingZeros(form.center()));
                } else {
                    a.clear(sum);
                }
            }
        }

        /** Adds the products of a part of the quants and an input. */
        private void multiply(int input, int part) {
            int sum = SUMS + HALVES * input + part / HALF_PARTS;
            int activations = ACTIVATIONS + QUARTERS * input + part / HALF_PARTS;
            if (products != NeonProducts.LONG) {
                a.element(ArmOp.SDOT_4S_ELEMENT, sum, QUANTS, activations, part % HALF_PARTS);
                return;
            }
            int words = WORDS + HALVES * input;
            int length = Math.min(HALF_PARTS, NeonProducts.partsOfSum(shape.largest()));
            boolean isFirst = part % length == 0;
            a.fill(ELEMENT, activations, part % HALF_PARTS);
            a.vector(isFirst ? ArmOp.SMULL_8H : ArmOp.SMLAL_8H, words, QUANTS, ELEMENT);
            a.vector(isFirst ? ArmOp.SMULL2_8H : ArmOp.SMLAL2_8H, words + 1, QUANTS, ELEMENT);
            if ((part + 1) % length == 0 || part % HALF_PARTS == HALF_PARTS - 1) {
                a.vector(ArmOp.ADDP_8H, words, words, words + 1);
                a.vector(ArmOp.SADALP_4S, sum, words);
            }
        }

        /** A scale's sum, then its minima, then those of the other: as the tiles do. */
        private void fold(int quarter) {
            for (int scale = 0; scale < shape.scales(); scale++) {
                scales.loadScale(FACTOR, scale, quarter);
                if (shape.minima()) {
                    scales.loadMinimum(MINIMUM, scale, quarter);
                }
                for (int i = 0; i < inputs; i++) {
                    int sum = SUMS + HALVES * i + scale;
                    if (!shape.halves()) {
                        a.vector(ArmOp.ADD_4S, sum, sum, sum + 1);
                    }
                    int result = RESULTS + QUARTERS * i + quarter;
                    a.vector(ArmOp.SCVTF_4S, sum, sum);
                    a.element(ArmOp.FMUL_4S_ELEMENT, SPARE, FACTOR, metaOf(i, SCALE), elementOf(SCALE));
                    a.vector(ArmOp.FMLA_4S, result, sum, SPARE);
                    if (shape.minima()) {
                        int total = total(shape, scale);
                        a.element(ArmOp.FMLA_4S_ELEMENT, result, MINIMUM, metaOf(i, total), elementOf(total));
                    }
                }
            }
        }

        /** The quants, or levels, of a part and four rows, a byte each; less 128 if they are to be signed. */
        private void decode(int to, int part, int quarter) {
            a.load(to, WEIGHTS, quants.lowLine(part) * LINE + quarter * QUARTER);
            if (quants.low < Byte.SIZE) {
                int shift = quants.lowShift(part);
                if (shift > 0) {
                    a.shiftBytesRight(to, to, shift);
                }
                if (shift + quants.low < Byte.SIZE) {
                    a.vector(ArmOp.AND_16B, to, to, LOW_MASK);
                }
            }
            if (quants.high > 0) {
                int line = quants.lowLines() + quants.highLine(part);
                a.load(SPARE, WEIGHTS, line * LINE + quarter * QUARTER);
                int left = quants.low - quants.highShift(part); // to where they belong in their byte
                if (left > 0) {
                    a.shiftBytesLeft(SPARE, SPARE, left);
                } else if (left < 0) {
                    a.shiftBytesRight(SPARE, SPARE, -left);
                }
                a.vector(ArmOp.BIT_16B, to, SPARE, HIGH_MASK);
            }
            if (form.levels() != null) {
                a.vector(ArmOp.TBL_16B, to, LEVELS, to);
            } else if (NeonProducts.areSigned(shape.largest())) {
                a.vector(ArmOp.EOR_16B, to, to, LEVELS);
            }
        }

        private byte[] unpack() {
            enter();
            forEachBlock(STRIDE, () -> {
                for (int quarter = 0; quarter < QUARTERS; quarter++) {
                    unpackQuants(quarter);
                    for (int scale = 0; scale < shape.scales(); scale++) {
                        int offset = scale * LINE + quarter * QUARTER;
                        scales.loadScale(FACTOR, scale, quarter);
                        a.store(FACTOR, INPUTS, TileShape.scalesAt() + offset);
                        if (shape.minima()) {
                            scales.loadMinimum(MINIMUM, scale, quarter);
                            a.store(MINIMUM, INPUTS, shape.minimaAt() + offset);
                        }
                    }
                }
                a.increase(INPUTS, shape.blockBytes());
            });
            return leave();
        }

        /** Of four rows. Matrix products take eight columns of two rows together, see {@link NeonTileEmitter}. */
        private void unpackQuants(int quarter) {
            if (products != NeonProducts.MATRIX) {
                for (int part = 0; part < PARTS; part++) {
                    decode(QUANTS, part, quarter);
                    a.store(QUANTS, INPUTS, part * LINE + quarter * QUARTER);
                }
                return;
            }
            for (int part = 0; part < PARTS; part += 2) {
                decode(QUANTS, part, quarter);
                decode(FACTOR, part + 1, quarter);
                a.vector(ArmOp.ZIP1_4S, WORDS, QUANTS, FACTOR);
                a.vector(ArmOp.ZIP2_4S, WORDS + 1, QUANTS, FACTOR);
                a.storePair(WORDS, WORDS + 1, INPUTS, NeonTileEmitter.rowPairsAt(part, quarter));
            }
        }
    }
}
