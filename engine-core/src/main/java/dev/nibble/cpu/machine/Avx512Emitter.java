package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Activations.MINUS_SUM;
import static dev.nibble.cpu.machine.Activations.MINUS_SUMS;
import static dev.nibble.cpu.machine.Activations.SCALE;
import static dev.nibble.cpu.machine.Activations.TOTAL;
import static dev.nibble.cpu.machine.Activations.TOTALS;
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
import static dev.nibble.cpu.machine.Assembler.Width.ZMM;
import static dev.nibble.cpu.machine.Assembler.at;
import static dev.nibble.cpu.machine.Quants.LINE;
import static dev.nibble.cpu.machine.Quants.PARTS;

import dev.nibble.cpu.machine.Assembler.Address;
import dev.nibble.cpu.machine.Assembler.Condition;
import dev.nibble.cpu.machine.Assembler.Label;
import dev.nibble.cpu.machine.Assembler.Width;

/**
 * Kernels for AVX-512 with VNNI: a register holds a line, so 16 rows, and one instruction adds the products of four columns
 * of each and four activations, which it broadcasts from memory.
 */
final class Avx512Emitter implements X64Emitter {
    /** A bit of three operands: the first, or the second and the third. */
    static final int FIRST_OR_SECOND_AND_THIRD = 0xF8;

    // Vector registers. Those below are the sums of inputs.
    private static final int LINES = 16; // of quants, up to 6
    static final int QUANTS = 24;
    private static final int SPARE = 25;
    static final int FIRST_SCALE = 26; // and that of the second half
    static final int FIRST_MINIMUM = 28; // and that of the second half
    private static final int LOW_MASK = 31;
    private static final int HIGH_MASK = 30;

    // only where weights are read in their form
    private static final int SUPER_SCALE = 23;
    private static final int SUPER_MINIMUM = 21; // where there are minima there are five lines of quants at most
    private static final int SIGN = 22; // of minima
    private static final int LEVELS = 22; // of types without minima
    private static final int SECOND_SUMS = 4;
    private static final int RESULTS = 8;

    /** Inputs up to which the two halves of a block have a sum each, so that one need not wait for the other. */
    private static final int MOST_OF_TWO_SUMS = 4;

    // only in tiles
    private static final int TILE_RESULTS = 12;

    @Override
    public String name() {
        return "AVX-512 VNNI";
    }

    @Override
    public Width width() {
        return ZMM;
    }

    @Override
    public int mostOfFew() {
        return 8;
    }

    @Override
    public int mostOfPasses() {
        return 64; // tiles are faster from about 100 on
    }

    @Override
    public int mostOfTile() {
        return 12;
    }

    @Override
    public byte[] few(Form form, int inputs) {
        Assembler a = new Assembler();
        a.push(RBX);
        a.push(R12);
        a.push(R13);
        loadConstants(a, form);
        a.mov(R12, RCX);
        a.shiftLeft(R12, 6); // bytes of the outputs of an input
        Label nextGroup = new Label();
        a.place(nextGroup);
        for (int i = 0; i < inputs; i++) {
            a.vector(ZMM, Op.VPXOR, RESULTS + i, RESULTS + i, RESULTS + i);
        }
        a.mov(RAX, RSI);
        for (int i = 1; 3 * i < inputs; i++) {
            advanceThree(a, FEW_BASES[i], FEW_BASES[i - 1], RDX);
        }
        BlockLoop.emit(a, form, R8, () -> loadSuperBlock(a, form), () -> {
            loadLines(a, form.quants());
            loadScales(a, form);
            if (inputs <= MOST_OF_TWO_SUMS) {
                multiplyAtOnce(a, form, inputs);
            } else {
                multiplyInTurn(a, form, inputs);
            }
            a.increase(RDI, form.blockBytes());
            for (int i = 0; 3 * i < inputs; i++) {
                a.increase(FEW_BASES[i], Activations.BLOCK_BYTES);
            }
        });
        a.mov(RAX, R9);
        for (int i = 0; i < inputs; i++) {
            if (i > 0 && i % 3 == 0) {
                advanceThree(a, RAX, RAX, R12);
            }
            a.vector(ZMM, Op.VMOVUPS_STORE, RESULTS + i, ofInput(RAX, R12, i % 3, 0));
        }
        a.increase(R9, LINE);
        a.decrement(RCX);
        a.jump(Condition.NOT_EQUAL, nextGroup);
        a.pop(R13);
        a.pop(R12);
        a.pop(RBX);
        a.vzeroupper();
        a.ret();
        return a.toBytes();
    }

    private static void advanceThree(Assembler a, int to, int from, int stride) {
        a.lea(to, at(from, stride, 2, 0));
        a.add(to, stride);
    }

    static void loadSuperBlock(Assembler a, Form form) {
        a.vector(ZMM, form.scales().hasFloats() ? Op.VMOVUPS : Op.VCVTPH2PS, SUPER_SCALE, at(RDI, 0));
        if (form.scales().minima) {
            a.vector(ZMM, Op.VCVTPH2PS, SUPER_MINIMUM, at(RDI, 32));
            a.vector(ZMM, Op.VPXOR, SUPER_MINIMUM, SUPER_MINIMUM, SIGN); // subtracted
        }
    }

    /** Multiplies a block, both halves of it side by side. */
    private static void multiplyAtOnce(Assembler a, Form form, int inputs) {
        for (int i = 0; i < inputs; i++) {
            beginSum(a, form.center(), i, ofFew(i, MINUS_SUMS));
            beginSum(a, form.center(), SECOND_SUMS + i, ofFew(i, MINUS_SUMS + 4));
        }
        for (int part = 0; part < PARTS; part++) {
            decode(a, form, part);
            for (int i = 0; i < inputs; i++) {
                int sum = part < PARTS / 2 ? i : SECOND_SUMS + i;
                a.broadcast(Op.VPDPBUSD, sum, QUANTS, ofFew(i, 4 * part));
            }
        }
        TileShape shape = form.tileShape();
        for (int i = 0; i < inputs; i++) {
            if (!shape.halves()) {
                a.vector(ZMM, Op.VPADDD, i, i, SECOND_SUMS + i);
            }
            // A half, then its minima, then the other half, as tiles do: so results do not depend on which of them is
            // called.
            for (int half = 0; half < shape.scales(); half++) {
                addBlock(a, shape, half == 0 ? i : SECOND_SUMS + i, half, i);
            }
        }
    }

    /** Multiplies a block, if its halves have a scale each one after the other. */
    private static void multiplyInTurn(Assembler a, Form form, int inputs) {
        TileShape shape = form.tileShape();
        int parts = PARTS / shape.scales();
        for (int half = 0; half < shape.scales(); half++) {
            for (int i = 0; i < inputs; i++) {
                beginSum(a, form.center(), i, ofFew(i, shape.halves() ? MINUS_SUMS + 4 * half : MINUS_SUM));
            }
            for (int part = half * parts; part < (half + 1) * parts; part++) {
                decode(a, form, part);
                for (int i = 0; i < inputs; i++) {
                    a.broadcast(Op.VPDPBUSD, i, QUANTS, ofFew(i, 4 * part));
                }
            }
            for (int i = 0; i < inputs; i++) {
                addBlock(a, shape, i, half, i);
            }
        }
    }

    /** Adds the sum of a block, or of half of one, to the result of an input. */
    private static void addBlock(Assembler a, TileShape shape, int sum, int half, int input) {
        fold(a, sum, FIRST_SCALE + half, RESULTS + input, ofFew(input, SCALE));
        if (shape.minima()) {
            a.broadcast(Op.VFMADD231PS, RESULTS + input, FIRST_MINIMUM + half, ofFew(input, total(shape, half)));
        }
    }

    // Few inputs are found from three registers, each for three of them.
    private static final int[] FEW_BASES = {RAX, R11, R13};

    private static Address ofFew(int input, int offset) {
        return ofInput(FEW_BASES[input / 3], RDX, input % 3, offset);
    }

    private static Address ofInput(int base, int stride, int count, int offset) {
        return count == 0 ? at(base, offset) : at(base, stride, count, offset);
    }

    /** Begins a sum of products with minus the center times the sum of the activations. */
    private static void beginSum(Assembler a, int center, int sum, Address minusSum) {
        if (center == 0) {
            a.vector(ZMM, Op.VPXOR, sum, sum, sum);
        } else {
            a.broadcastShift(Op.VPSLLD, sum, minusSum, Integer.numberOfTrailingZeros(center));
        }
    }

    private static void fold(Assembler a, int sum, int scale, int result, Address activationScale) {
        a.vector(ZMM, Op.VCVTDQ2PS, sum, sum);
        a.broadcast(Op.VMULPS, SPARE, scale, activationScale);
        a.vector(ZMM, Op.VFMADD231PS, result, sum, SPARE);
    }

    /** Where an input has what minima are multiplied by. */
    private static int total(TileShape shape, int half) {
        return shape.halves() ? TOTALS + 4 * half : TOTAL;
    }

    static void loadConstants(Assembler a, Form form) {
        Quants quants = form.quants();
        if (quants.low < 8) {
            a.mov32(RAX, quants.lowMask());
            a.broadcastGeneral(ZMM, LOW_MASK, RAX);
        }
        if (quants.high > 0) {
            a.mov32(RAX, quants.highMask());
            a.broadcastGeneral(ZMM, HIGH_MASK, RAX);
        }
        if (form.hasSuperBlocks() && form.scales().minima) {
            a.mov32(RAX, 1 << 31);
            a.broadcastGeneral(ZMM, SIGN, RAX);
        }
        byte[] levels = form.levels();
        if (levels != null) {
            a.push(levels);
            a.vector(ZMM, Op.VBROADCASTI128, LEVELS, at(RSP, 0));
            a.increase(RSP, levels.length);
        }
    }

    static void loadLines(Assembler a, Quants quants) {
        if (quants.low == 8) {
            return; // read where they are used
        }
        for (int line = 0; line < quants.lines(); line++) {
            a.vector(ZMM, Op.VMOVDQU, LINES + line, at(RDI, line * LINE));
        }
    }

    /** The quants, or levels, of a part, a byte each. */
    static void decode(Assembler a, Form form, int part) {
        Quants quants = form.quants();
        if (quants.low == 8) {
            a.vector(ZMM, Op.VMOVDQU, QUANTS, at(RDI, part * LINE));
            return;
        }
        int line = LINES + quants.lowLine(part);
        int shift = quants.lowShift(part);
        if (shift > 0) {
            a.shift(ZMM, Op.VPSRLD, QUANTS, line, shift);
            line = QUANTS;
        }
        a.vector(ZMM, Op.VPAND, QUANTS, line, LOW_MASK);
        if (quants.high > 0) {
            // Turned to where the high bits belong in their byte; what comes from other bytes is masked.
            int from = LINES + quants.lowLines() + quants.highLine(part);
            a.shift(ZMM, Op.VPROLD, SPARE, from, quants.low - quants.highShift(part) & 31);
            a.vector(ZMM, Op.VPTERNLOGD, QUANTS, SPARE, HIGH_MASK, FIRST_OR_SECOND_AND_THIRD);
        }
        if (form.levels() != null) {
            a.vector(ZMM, Op.VPSHUFB, QUANTS, LEVELS, QUANTS);
        }
    }

    /** The scales and minima of the block at rdi as floats. */
    static void loadScales(Assembler a, Form form) {
        int offset = form.quants().bytes();
        switch (form.scales()) {
            case HALF -> a.vector(ZMM, Op.VCVTPH2PS, FIRST_SCALE, at(RDI, offset));
            case HALF_AND_MINIMUM -> {
                a.vector(ZMM, Op.VCVTPH2PS, FIRST_SCALE, at(RDI, offset));
                a.vector(ZMM, Op.VCVTPH2PS, FIRST_MINIMUM, at(RDI, offset + 32));
            }
            case POWER -> {
                a.vector(ZMM, Op.VPMOVZXBD, FIRST_SCALE, at(RDI, offset));
                a.shift(ZMM, Op.VPSLLD, FIRST_SCALE, FIRST_SCALE, 23);
            }
            case HALVES -> {
                a.vector(ZMM, Op.VCVTPH2PS, FIRST_SCALE, at(RDI, offset));
                a.vector(ZMM, Op.VCVTPH2PS, FIRST_SCALE + 1, at(RDI, offset + 32));
            }
            case BYTE, BYTE_OF_FLOAT -> scaleBytes(a, FIRST_SCALE, offset, SUPER_SCALE);
            case BYTE_AND_MINIMUM -> {
                scaleBytes(a, FIRST_SCALE, offset, SUPER_SCALE);
                scaleBytes(a, FIRST_MINIMUM, offset + 16, SUPER_MINIMUM);
            }
            case BYTES, BYTES_OF_FLOAT -> {
                scaleBytes(a, FIRST_SCALE, offset, SUPER_SCALE);
                scaleBytes(a, FIRST_SCALE + 1, offset + 16, SUPER_SCALE);
            }
            case NIBBLES_AND_MINIMA -> {
                for (int half = 0; half < 2; half++) {
                    int minimum = FIRST_MINIMUM + half;
                    int scale = FIRST_SCALE + half;
                    a.vector(ZMM, Op.VPMOVZXBD, minimum, at(RDI, offset + 16 * half));
                    // the last four of eight bits, then the first four
                    a.shift(ZMM, Op.VPSLLD, scale, minimum, 28);
                    a.shift(ZMM, Op.VPSRLD, scale, scale, 28);
                    a.shift(ZMM, Op.VPSRLD, minimum, minimum, 4);
                    multiplyInts(a, scale, SUPER_SCALE);
                    multiplyInts(a, minimum, SUPER_MINIMUM);
                }
            }
        }
    }

    private static void scaleBytes(Assembler a, int to, int offset, int factor) {
        a.vector(ZMM, Op.VPMOVSXBD, to, at(RDI, offset));
        multiplyInts(a, to, factor);
    }

    private static void multiplyInts(Assembler a, int to, int factor) {
        a.vector(ZMM, Op.VCVTDQ2PS, to, to);
        a.vector(ZMM, Op.VMULPS, to, to, factor);
    }

    @Override
    public byte[] unpack(Form form) {
        Assembler a = new Assembler();
        a.push(RBX);
        loadConstants(a, form);
        TileShape shape = form.tileShape();
        BlockLoop.emit(a, form, RDX, () -> loadSuperBlock(a, form), () -> {
            loadLines(a, form.quants());
            for (int part = 0; part < PARTS; part++) {
                decode(a, form, part);
                a.vector(ZMM, Op.VMOVDQU_STORE, QUANTS, at(RSI, part * LINE));
            }
            loadScales(a, form);
            for (int half = 0; half < shape.scales(); half++) {
                a.vector(ZMM, Op.VMOVUPS_STORE, FIRST_SCALE + half, at(RSI, TileShape.scalesAt() + half * LINE));
                if (shape.minima()) {
                    a.vector(ZMM, Op.VMOVUPS_STORE, FIRST_MINIMUM + half, at(RSI, shape.minimaAt() + half * LINE));
                }
            }
            a.increase(RDI, form.blockBytes());
            a.increase(RSI, shape.blockBytes());
        });
        a.pop(RBX);
        a.vzeroupper();
        a.ret();
        return a.toBytes();
    }

    // The inputs of a tile are found from four registers, each for three of them.
    private static final int[] BASES = {RSI, RAX, R10, R11};

    @Override
    public byte[] tile(TileShape shape, int inputs) {
        Assembler a = new Assembler();
        for (int i = 1; 3 * i < inputs; i++) {
            advanceThree(a, BASES[i], BASES[i - 1], RDX);
        }
        for (int i = 0; i < inputs; i++) {
            a.vector(ZMM, Op.VPXOR, TILE_RESULTS + i, TILE_RESULTS + i, TILE_RESULTS + i);
        }
        Label nextBlock = new Label();
        a.place(nextBlock);
        for (int half = 0; half < shape.scales(); half++) {
            a.vector(ZMM, Op.VMOVUPS, FIRST_SCALE, at(RDI, TileShape.scalesAt() + half * LINE));
            if (shape.minima()) {
                a.vector(ZMM, Op.VMOVUPS, FIRST_MINIMUM, at(RDI, shape.minimaAt() + half * LINE));
            }
            for (int i = 0; i < inputs; i++) {
                beginSum(a, shape.center(), i, ofTile(i, shape.halves() ? MINUS_SUMS + 4 * half : MINUS_SUM));
            }
            int parts = PARTS / shape.scales();
            for (int part = half * parts; part < (half + 1) * parts; part++) {
                a.vector(ZMM, Op.VMOVDQU, QUANTS, at(RDI, part * LINE));
                for (int i = 0; i < inputs; i++) {
                    a.broadcast(Op.VPDPBUSD, i, QUANTS, ofTile(i, 4 * part));
                }
            }
            for (int i = 0; i < inputs; i++) {
                fold(a, i, FIRST_SCALE, TILE_RESULTS + i, ofTile(i, SCALE));
                if (shape.minima()) {
                    a.broadcast(Op.VFMADD231PS, TILE_RESULTS + i, FIRST_MINIMUM, ofTile(i, total(shape, half)));
                }
            }
        }
        a.increase(RDI, shape.blockBytes());
        for (int i = 0; 3 * i < inputs; i++) {
            a.increase(BASES[i], Activations.BLOCK_BYTES);
        }
        a.decrement(RCX);
        a.jump(Condition.NOT_EQUAL, nextBlock);
        for (int i = 0; i < inputs; i++) {
            a.vector(ZMM, Op.VMOVUPS_STORE, TILE_RESULTS + i, at(R8, 0));
            a.add(R8, R9);
        }
        a.vzeroupper();
        a.ret();
        return a.toBytes();
    }

    private static Address ofTile(int input, int offset) {
        return ofInput(BASES[input / 3], RDX, input % 3, offset);
    }
}
