package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Assembler.R10;
import static dev.nibble.cpu.machine.Assembler.R11;
import static dev.nibble.cpu.machine.Assembler.R12;
import static dev.nibble.cpu.machine.Assembler.R8;
import static dev.nibble.cpu.machine.Assembler.R9;
import static dev.nibble.cpu.machine.Assembler.RAX;
import static dev.nibble.cpu.machine.Assembler.RBX;
import static dev.nibble.cpu.machine.Assembler.RCX;
import static dev.nibble.cpu.machine.Assembler.RDI;
import static dev.nibble.cpu.machine.Assembler.RDX;
import static dev.nibble.cpu.machine.Assembler.RSI;
import static dev.nibble.cpu.machine.Assembler.RSP;
import static dev.nibble.cpu.machine.Assembler.Width.XMM;
import static dev.nibble.cpu.machine.Assembler.Width.ZMM;
import static dev.nibble.cpu.machine.Assembler.at;
import static dev.nibble.cpu.machine.Avx512Emitter.FIRST_MINIMUM;
import static dev.nibble.cpu.machine.Avx512Emitter.FIRST_OR_SECOND_AND_THIRD;
import static dev.nibble.cpu.machine.Avx512Emitter.FIRST_SCALE;
import static dev.nibble.cpu.machine.Avx512Emitter.QUANTS;
import static dev.nibble.cpu.machine.Quants.LINE;
import static dev.nibble.cpu.machine.Quants.PARTS;

import dev.nibble.cpu.machine.Assembler.Condition;
import dev.nibble.cpu.machine.Assembler.Label;
import dev.nibble.tensor.DType;

/**
 * Kernels for tiles of bfloat16 (AMX): weights are scaled as they are unpacked, so that a product needs no scales and is left to
 * the tiles.
 *
 * <p>A tile of weights is 32 columns of 16 rows: a line for two columns, a lane of it for a row, with the even column in its
 * lower half. Two groups of rows are multiplied together: of each 32 columns the tile of the first, then that of the second.
 */
final class AmxEmitter {
    /** Rows of a tile: inputs, and lines of weights. */
    static final int TILE_ROWS = 16;

    /** Groups that are multiplied together. */
    static final int GROUPS = 2;

    /** Bytes of a tile. */
    static final int TILE_BYTES = TILE_ROWS * LINE;

    /** From the weights of 32 columns of a group to the next of it. */
    static final int BLOCK_BYTES = GROUPS * TILE_BYTES;

    /** From the outputs of an input to those of the next. */
    static final int RESULT_BYTES = GROUPS * LINE;

    // vector registers, beside those of Avx512Emitter
    private static final int PAIR = 4; // columns, 0 to 3 before
    private static final int HALF_UNIT = 5;
    private static final int UPPER_HALVES = 6;
    private static final int CENTER = 7;

    // tiles: sums of two tiles of inputs and two groups, inputs, weights
    private static final int INPUTS = 4;
    private static final int WEIGHTS = 6;

    private AmxEmitter() {}

    /** Unpacks columns of a group: weights, where the first tile begins, blocks of 32 columns. */
    static byte[] unpack(Form form) {
        Assembler a = new Assembler();
        a.push(RBX);
        Avx512Emitter.loadConstants(a, form);
        loadConstants(a);
        if (form.center() > 0) {
            constant(a, CENTER, form.center() * 0x01010101);
        }
        BlockLoop.emit(a, form, RDX, () -> Avx512Emitter.loadSuperBlock(a, form), () -> {
            Avx512Emitter.loadLines(a, form.quants());
            Avx512Emitter.loadScales(a, form);
            for (int part = 0; part < PARTS; part++) {
                Avx512Emitter.decode(a, form, part);
                if (form.center() > 0) {
                    a.vector(ZMM, Op.VPSUBB, QUANTS, QUANTS, CENTER);
                }
                scaleColumns(a, form, form.scales().halves && part >= PARTS / 2 ? 1 : 0);
                storePair(a, 0, 2 * part);
                storePair(a, 2, 2 * part + 1);
            }
            a.increase(RDI, form.blockBytes());
            a.increase(RSI, BLOCK_BYTES);
        });
        a.pop(RBX);
        a.vzeroupper();
        a.ret();
        return a.toBytes();
    }

    /** The four columns of a part as floats, to the first registers. */
    private static void scaleColumns(Assembler a, Form form, int half) {
        for (int column = 0; column < Integer.BYTES; column++) {
            int bytesAbove = Integer.BYTES - 1 - column;
            int from = QUANTS;
            if (bytesAbove > 0) {
                a.shift(ZMM, Op.VPSLLD, column, QUANTS, bytesAbove * Byte.SIZE);
                from = column;
            }
            a.shift(ZMM, Op.VPSRAD, column, from, Integer.SIZE - Byte.SIZE);
            a.vector(ZMM, Op.VCVTDQ2PS, column, column);
            if (form.scales().minima) {
                a.vector(ZMM, Op.VFMADD213PS, column, FIRST_SCALE + half, FIRST_MINIMUM + half);
            } else {
                a.vector(ZMM, Op.VMULPS, column, column, FIRST_SCALE + half);
            }
        }
    }

    private static void loadConstants(Assembler a) {
        constant(a, HALF_UNIT, 0x8000);
        constant(a, UPPER_HALVES, 0xffff0000);
    }

    private static void constant(Assembler a, int to, int value) {
        a.mov32(RAX, value);
        a.broadcastGeneral(ZMM, to, RAX);
    }

    /** Rounds two columns of floats, in a register and the next, halves away from zero, and stores them as a line of a tile. */
    private static void storePair(Assembler a, int even, int line) {
        int odd = even + 1;
        a.vector(ZMM, Op.VPADDD, even, even, HALF_UNIT);
        a.vector(ZMM, Op.VPADDD, odd, odd, HALF_UNIT);
        a.shift(ZMM, Op.VPSRLD, PAIR, even, Short.SIZE);
        a.vector(ZMM, Op.VPTERNLOGD, PAIR, odd, UPPER_HALVES, FIRST_OR_SECOND_AND_THIRD);
        a.vector(ZMM, Op.VMOVDQU_STORE, PAIR, at(RSI, line * LINE));
    }

    /**
     * Likewise from columns as {@link HalfEmitter#pack} lays them out.
     *
     * @param dtype F16 or BF16
     */
    static byte[] unpackHalves(DType dtype) {
        Assembler a = new Assembler();
        loadConstants(a);
        int column = HalfEmitter.columnBytes(dtype);
        Label next = new Label();
        a.place(next);
        for (int line = 0; line < TILE_ROWS; line++) {
            Op load = dtype == DType.BF16 ? Op.VPMOVZXWD : Op.VCVTPH2PS;
            a.vector(ZMM, load, 0, at(RDI, 2 * line * column));
            a.vector(ZMM, load, 1, at(RDI, (2 * line + 1) * column));
            if (dtype == DType.BF16) {
                a.shift(ZMM, Op.VPSLLD, 1, 1, Short.SIZE);
                a.vector(ZMM, Op.VPTERNLOGD, 0, 1, UPPER_HALVES, FIRST_OR_SECOND_AND_THIRD);
                a.vector(ZMM, Op.VMOVDQU_STORE, 0, at(RSI, line * LINE));
            } else {
                storePair(a, 0, line);
            }
        }
        a.increase(RDI, Form.BLOCK * column);
        a.increase(RSI, BLOCK_BYTES);
        a.decrement(RDX);
        a.jump(Condition.NOT_EQUAL, next);
        a.vzeroupper();
        a.ret();
        return a.toBytes();
    }

    /**
     * Multiplies two unpacked groups by tiles of inputs: weights, {@link AmxRows} of the first input, bytes from input to
     * input, blocks of 32 columns, outputs as floats [inputs, 2, 16], tiles of inputs, at least one.
     *
     * @param begins whether the outputs are these sums; if not they are added to
     */
    static byte[] multiply(boolean begins) {
        Assembler a = new Assembler();
        a.push(RBX);
        a.push(R12);
        a.push(configuration());
        a.vector(XMM, Op.LDTILECFG, 0, at(RSP, 0));
        a.increase(RSP, LINE);
        a.mov32(RBX, LINE);
        Label two = new Label();
        Label last = new Label();
        Label end = new Label();
        a.place(two);
        a.compare32(R9, 2);
        a.jump(Condition.BELOW, last);
        multiply(a, begins, 2);
        a.decrease(R9, 2);
        a.jump(Condition.NOT_EQUAL, two);
        a.jump(end);
        a.place(last);
        multiply(a, begins, 1);
        a.place(end);
        a.vector(XMM, Op.TILERELEASE, 0, 0);
        a.pop(R12);
        a.pop(RBX);
        a.ret();
        return a.toBytes();
    }

    /** All tiles with all their rows: palette 1, bytes of a row as shorts from byte 16 on, rows as bytes from byte 48 on. */
    private static byte[] configuration() {
        byte[] configuration = new byte[LINE];
        configuration[0] = 1;
        for (int tile = 0; tile < 8; tile++) {
            configuration[16 + 2 * tile] = LINE;
            configuration[48 + tile] = TILE_ROWS;
        }
        return configuration;
    }

    private static void multiply(Assembler a, boolean begins, int inputs) {
        for (int sum = 0; sum < inputs * GROUPS; sum++) {
            if (begins) {
                a.vector(XMM, Op.TILEZERO, sum, 0);
            } else {
                a.vector(XMM, Op.TILELOADD, sum, result(sum));
            }
        }
        a.mov(R10, RDI);
        a.mov(RAX, RSI);
        a.mov(RSI, RDX);
        a.shiftLeft(RSI, 4);
        a.add(RSI, RAX); // the second tile of inputs
        a.mov(R12, RSI);
        a.mov(R11, RCX);
        Label next = new Label();
        a.place(next);
        // each product as soon as there is what it needs
        a.vector(XMM, Op.TILELOADD, WEIGHTS, at(R10, RBX, 1, 0));
        a.vector(XMM, Op.TILELOADD, INPUTS, at(RAX, RDX, 1, 0));
        product(a, 0, 0);
        a.vector(XMM, Op.TILELOADD, WEIGHTS + 1, at(R10, RBX, 1, TILE_BYTES));
        product(a, 0, 1);
        if (inputs > 1) {
            a.vector(XMM, Op.TILELOADD, INPUTS + 1, at(R12, RDX, 1, 0));
            product(a, 1, 0);
            product(a, 1, 1);
        }
        a.increase(R10, BLOCK_BYTES);
        a.increase(RAX, LINE);
        a.increase(R12, LINE);
        a.decrement(R11);
        a.jump(Condition.NOT_EQUAL, next);
        for (int sum = 0; sum < inputs * GROUPS; sum++) {
            a.vector(XMM, Op.TILESTORED, sum, result(sum));
        }
        if (inputs > 1) {
            a.mov(RAX, RDX);
            a.shiftLeft(RAX, 4);
            a.add(RSI, RAX); // past both
            a.increase(R8, inputs * TILE_ROWS * RESULT_BYTES);
        }
    }

    private static Assembler.Address result(int sum) {
        return at(R8, RBX, GROUPS, sum / GROUPS * TILE_ROWS * RESULT_BYTES + sum % GROUPS * LINE);
    }

    private static void product(Assembler a, int input, int group) {
        a.vector(XMM, Op.TDPBF16PS, input * GROUPS + group, WEIGHTS + group, INPUTS + input);
    }
}
