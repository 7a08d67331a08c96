package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Assembler.R10;
import static dev.nibble.cpu.machine.Assembler.R11;
import static dev.nibble.cpu.machine.Assembler.R12;
import static dev.nibble.cpu.machine.Assembler.R13;
import static dev.nibble.cpu.machine.Assembler.R8;
import static dev.nibble.cpu.machine.Assembler.R9;
import static dev.nibble.cpu.machine.Assembler.RAX;
import static dev.nibble.cpu.machine.Assembler.RBX;
import static dev.nibble.cpu.machine.Assembler.RCX;
import static dev.nibble.cpu.machine.Assembler.RDI;
import static dev.nibble.cpu.machine.Assembler.RDX;
import static dev.nibble.cpu.machine.Assembler.RSI;
import static dev.nibble.cpu.machine.Assembler.RSP;
import static dev.nibble.cpu.machine.Assembler.Width.YMM;
import static dev.nibble.cpu.machine.Assembler.Width.ZMM;
import static dev.nibble.cpu.machine.Assembler.at;

import dev.nibble.cpu.machine.Assembler.Address;
import dev.nibble.cpu.machine.Assembler.Condition;
import dev.nibble.cpu.machine.Assembler.Label;
import dev.nibble.cpu.machine.Assembler.Width;
import dev.nibble.tensor.DType;

/**
 * Writes the kernels for weights of 16-bit floats, and of 32 bits, 16 rows side by side, column by column. Products are fused with
 * sums, which are floats. The order of the sums does not depend on the number of inputs.
 */
final class HalfEmitter {
    /** Columns in a turn of the loop. */
    static final int STEP = 8;

    /** The inputs are found from four registers, each for three of them. */
    private static final int[] BASES = {RAX, R10, R11, R12};

    private static final int INPUTS_OF_BASE = 3;

    private final Assembler a = new Assembler();
    private final Width width;
    private final DType dtype;
    private final int column; // bytes

    /** Vectors that hold 16 floats. */
    private final int parts;

    /** Sums of an output, taken in turn: the processor begins an addition before the last one has ended. */
    private final int chains;

    // vector registers, after those of the sums
    private final int weights;
    private final int input;

    private HalfEmitter(Width width, DType dtype) {
        this.width = width;
        this.dtype = dtype;
        column = columnBytes(dtype);
        parts = Form.ROWS * Float.BYTES / width.bytes;
        chains = width == ZMM ? 2 : 1;
        weights = mostInputs(width) * parts * chains;
        input = weights + parts;
    }

    /** Bytes of a column of a group. */
    static int columnBytes(DType dtype) {
        return Form.ROWS * dtype.blockBytes();
    }

    /** Input rows that are multiplied together at most: their sums fill the registers. */
    static int mostInputs(Width width) {
        return width == ZMM ? 12 : 6;
    }

    /**
     * Multiplies groups of rows by some inputs: weights, floats of the first input, bytes from input to input, groups, turns of
     * {@link #STEP} columns, outputs as floats [inputs, groups, 16].
     *
     * @param dtype F16, BF16 or F32
     */
    static byte[] multiply(Width width, DType dtype, int inputs) {
        return new HalfEmitter(width, dtype).multiply(inputs);
    }

    private byte[] multiply(int inputs) {
        a.push(RBX);
        a.push(R12);
        a.push(R13);
        a.mov(R13, RCX);
        a.shiftLeft(R13, 6); // bytes of the outputs of an input
        Label nextGroup = new Label();
        a.place(nextGroup);
        for (int sum = 0; sum < inputs * parts * chains; sum++) {
            a.vector(width, Op.VPXOR, sum, sum, sum);
        }
        a.mov(BASES[0], RSI);
        for (int i = 1; INPUTS_OF_BASE * i < inputs; i++) {
            a.lea(BASES[i], at(BASES[i - 1], RDX, 2, 0));
            a.add(BASES[i], RDX);
        }
        a.mov(RBX, R8);
        Label nextColumns = new Label();
        a.place(nextColumns);
        BlockLoop.prefetch(a, STEP * column);
        for (int column = 0; column < STEP; column++) {
            multiplyColumn(inputs, column);
        }
        a.increase(RDI, STEP * column);
        for (int i = 0; INPUTS_OF_BASE * i < inputs; i++) {
            a.increase(BASES[i], STEP * Float.BYTES);
        }
        a.decrement(RBX);
        a.jump(Condition.NOT_EQUAL, nextColumns);
        store(inputs);
        a.increase(R9, Form.ROWS * Float.BYTES);
        a.decrement(RCX);
        a.jump(Condition.NOT_EQUAL, nextGroup);
        a.pop(R13);
        a.pop(R12);
        a.pop(RBX);
        a.vzeroupper();
        a.ret();
        return a.toBytes();
    }

    private void multiplyColumn(int inputs, int index) {
        for (int part = 0; part < parts; part++) {
            Address from = at(RDI, index * column + part * column / parts);
            switch (dtype) {
                case F32 -> a.vector(width, Op.VMOVUPS, weights + part, from);
                case F16 -> a.vector(width, Op.VCVTPH2PS, weights + part, from);
                case BF16 -> {
                    a.vector(width, Op.VPMOVZXWD, weights + part, from);
                    a.shift(width, Op.VPSLLD, weights + part, weights + part, 16);
                }
                default -> throw new IllegalArgumentException(dtype.name());
            }
        }
        for (int i = 0; i < inputs; i++) {
            int base = BASES[i / INPUTS_OF_BASE];
            int offset = index * Float.BYTES;
            int stride = i % INPUTS_OF_BASE;
            Address value = stride == 0 ? at(base, offset) : at(base, RDX, stride, offset);
            if (width == ZMM) {
                a.broadcast(Op.VFMADD231PS, sum(i, 0, index % chains), weights, value);
                continue;
            }
            a.vector(width, Op.VBROADCASTSS, input, value);
            for (int part = 0; part < parts; part++) {
                a.vector(width, Op.VFMADD231PS, sum(i, part, index % chains), weights + part, input);
            }
        }
    }

    private int sum(int i, int part, int chain) {
        return (i * parts + part) * chains + chain;
    }

    private void store(int inputs) {
        a.mov(RAX, R9);
        for (int i = 0; i < inputs; i++) {
            for (int part = 0; part < parts; part++) {
                int sum = sum(i, part, 0);
                for (int chain = 1; chain < chains; chain++) {
                    a.vector(width, Op.VADDPS, sum, sum, sum + chain);
                }
                a.vector(width, Op.VMOVUPS_STORE, sum, at(RAX, part * width.bytes));
            }
            a.add(RAX, R13);
        }
    }

    /**
     * Puts 16 rows of a file side by side: the rows, one behind the other; their columns, to be written; bytes of a row; ints of
     * a row. For AVX2.
     */
    static byte[] pack(DType dtype) {
        return dtype == DType.F32 ? packFloats() : packHalves();
    }

    private static byte[] packFloats() {
        Assembler a = new Assembler();
        int offsets = 4; // of the rows of each half
        PackingEmitter.rowOffsets(a, offsets);
        Label next = new Label();
        a.place(next);
        for (int half = 0; half < 2; half++) {
            a.vector(YMM, Op.VPCMPEQD, 2, 2, 2);
            a.vector(YMM, Op.VPGATHERDD, half, 2, new Address(RDI, offsets + half, 1, 0));
            a.vector(YMM, Op.VMOVDQU_STORE, half, at(RSI, half * YMM.bytes));
        }
        a.increase(RDI, Float.BYTES);
        a.increase(RSI, Form.ROWS * Float.BYTES);
        a.decrement(RCX);
        a.jump(Condition.NOT_EQUAL, next);
        a.vzeroupper();
        a.ret();
        return a.toBytes();
    }

    private static byte[] packHalves() {
        Assembler a = new Assembler();
        int offsets = 4; // of the rows of each half
        int mask = 6;
        int order = 7;
        PackingEmitter.rowOffsets(a, offsets);
        a.mov32(RAX, 0xffff);
        a.broadcastGeneral(YMM, mask, RAX);
        // Packing works in halves of a register: the order in which its ints are to be taken.
        int[] ints = {0, 1, 4, 5, 2, 3, 6, 7};
        a.decrease(RSP, YMM.bytes);
        for (int i = 0; i < ints.length; i++) {
            a.mov32(RAX, ints[i]);
            a.store32(at(RSP, Integer.BYTES * i), RAX);
        }
        a.vector(YMM, Op.VMOVDQU, order, at(RSP, 0));
        a.increase(RSP, YMM.bytes);
        Label next = new Label();
        a.place(next);
        for (int half = 0; half < 2; half++) {
            a.vector(YMM, Op.VPCMPEQD, 2, 2, 2);
            a.vector(YMM, Op.VPGATHERDD, half, 2, new Address(RDI, offsets + half, 1, 0));
        }
        for (int column = 0; column < 2; column++) {
            for (int half = 0; half < 2; half++) {
                if (column == 0) {
                    a.vector(YMM, Op.VPAND, 2 + half, half, mask);
                } else {
                    a.shift(YMM, Op.VPSRLD, 2 + half, half, 16);
                }
            }
            a.vector(YMM, Op.VPACKUSDW, 2, 2, 3);
            a.vector(YMM, Op.VPERMD, 2, order, 2);
            a.vector(YMM, Op.VMOVDQU_STORE, 2, at(RSI, column * YMM.bytes));
        }
        a.increase(RDI, Integer.BYTES);
        a.increase(RSI, 2 * YMM.bytes);
        a.decrement(RCX);
        a.jump(Condition.NOT_EQUAL, next);
        a.vzeroupper();
        a.ret();
        return a.toBytes();
    }
}
