package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Activations.MINUS_SUM;
import static dev.nibble.cpu.machine.Activations.MINUS_SUMS;
import static dev.nibble.cpu.machine.Activations.SCALE;
import static dev.nibble.cpu.machine.Activations.TOTAL;
import static dev.nibble.cpu.machine.Activations.TOTALS;
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
import static dev.nibble.cpu.machine.Assembler.Width.YMM;
import static dev.nibble.cpu.machine.Assembler.at;
import static dev.nibble.cpu.machine.Quants.LINE;
import static dev.nibble.cpu.machine.Quants.PARTS;

import dev.nibble.cpu.machine.Assembler.Address;
import dev.nibble.cpu.machine.Assembler.Condition;
import dev.nibble.cpu.machine.Assembler.Label;
import dev.nibble.cpu.machine.Assembler.Width;

/**
 * Kernels for AVX2: a register holds half a line, so 8 rows. Products of unsigned and signed bytes are summed by twos to 16
 * bits, which do not hold many of them: {@link #partsOfSum}. Where they do not hold one, quants are made signed, and their
 * signs given to the activations.
 */
final class Avx2Emitter implements X64Emitter {
    /** Rows of a register. */
    private static final int HALF_LINE = LINE / 2;

    private static final int HALVES = 2;

    // Constants are read from the stack: there are not enough registers.
    private static final int LOW_MASK = 0;
    private static final int HIGH_MASK = 32;
    private static final int ONE_WORDS = 64;
    private static final int LEVELS = 96;
    private static final int SIGN_BYTES = 128;
    private static final int SUPER_SCALES = 160; // of each half
    private static final int SUPER_MINIMA = 224;
    private static final int FRAME = 288;

    // Vector registers. Of a sum for each input and half, or each input where halves come one after the other:
    private static final int RESULTS = 0;
    private static final int SUMS = 4;
    private static final int WORDS = 8;
    // and of all
    private static final int QUANTS = 12; // of each half
    private static final int INPUT = 14;
    private static final int SPARE = 15;

    @Override
    public String name() {
        return "AVX2";
    }

    @Override
    public Width width() {
        return YMM;
    }

    @Override
    public int mostOfFew() {
        return 2;
    }

    @Override
    public int mostOfTile() {
        return 2;
    }

    /** Parts whose products, two of them for each column pair, are held by 16 bits; 0 if those of one are not. */
    private static int partsOfSum(int largest) {
        return Short.MAX_VALUE / (largest * 2 * 127);
    }

    private static void enter(Assembler a, TileShape shape) {
        a.push(RBX);
        a.push(R12);
        a.decrease(RSP, FRAME);
        constant(a, ONE_WORDS, 0x00010001);
        if (partsOfSum(shape.largest()) == 0) {
            constant(a, SIGN_BYTES, 0x80808080);
        }
    }

    private static void enter(Assembler a, Form form) {
        enter(a, form.tileShape());
        Quants quants = form.quants();
        constant(a, LOW_MASK, quants.lowMask());
        constant(a, HIGH_MASK, quants.highMask());
        byte[] levels = form.levels();
        if (levels != null) {
            a.push(levels);
            a.vector(YMM, Op.VBROADCASTI128, SPARE, at(RSP, 0));
            a.increase(RSP, levels.length);
            a.vector(YMM, Op.VMOVDQU_STORE, SPARE, at(RSP, LEVELS));
        }
    }

    private static void constant(Assembler a, int offset, int value) {
        a.mov32(RAX, value);
        a.broadcastGeneral(YMM, SPARE, RAX);
        a.vector(YMM, Op.VMOVDQU_STORE, SPARE, at(RSP, offset));
    }

    private static void leave(Assembler a) {
        a.increase(RSP, FRAME);
        a.pop(R12);
        a.pop(RBX);
        a.vzeroupper();
        a.ret();
    }

    @Override
    public byte[] few(Form form, int inputs) {
        Assembler a = new Assembler();
        enter(a, form);
        a.mov(R12, RCX);
        a.shiftLeft(R12, 6); // bytes of the outputs of an input
        Label nextGroup = new Label();
        a.place(nextGroup);
        for (int i = 0; i < inputs * HALVES; i++) {
            clear(a, RESULTS + i);
        }
        a.mov(RAX, RSI);
        BlockLoop.emit(a, form, R8, () -> loadSuperBlock(a, form), () -> {
            for (int half = 0; half < HALVES; half++) {
                multiplyHalf(a, form, inputs, half);
            }
            a.increase(RDI, form.blockBytes());
            a.increase(RAX, Activations.BLOCK_BYTES);
        });
        for (int i = 0; i < inputs; i++) {
            for (int half = 0; half < HALVES; half++) {
                Address output = ofInput(R9, R12, i, half * HALF_LINE);
                a.vector(YMM, Op.VMOVUPS_STORE, RESULTS + HALVES * i + half, output);
            }
        }
        a.increase(R9, LINE);
        a.decrement(RCX);
        a.jump(Condition.NOT_EQUAL, nextGroup);
        leave(a);
        return a.toBytes();
    }

    private static void loadSuperBlock(Assembler a, Form form) {
        for (int half = 0; half < HALVES; half++) {
            if (form.scales().hasFloats()) {
                a.vector(YMM, Op.VMOVUPS, SPARE, at(RDI, half * HALF_LINE));
            } else {
                a.vector(YMM, Op.VCVTPH2PS, SPARE, at(RDI, half * 16));
            }
            a.vector(YMM, Op.VMOVUPS_STORE, SPARE, at(RSP, SUPER_SCALES + half * HALF_LINE));
            if (form.scales().minima) { // they are subtracted
                clear(a, INPUT);
                a.vector(YMM, Op.VCVTPH2PS, SPARE, at(RDI, 32 + half * 16));
                a.vector(YMM, Op.VSUBPS, SPARE, INPUT, SPARE);
                a.vector(YMM, Op.VMOVUPS_STORE, SPARE, at(RSP, SUPER_MINIMA + half * HALF_LINE));
            }
        }
    }

    private static void multiplyHalf(Assembler a, Form form, int inputs, int half) {
        TileShape shape = form.tileShape();
        int parts = PARTS / shape.scales();
        for (int scale = 0; scale < shape.scales(); scale++) {
            for (int i = 0; i < inputs; i++) {
                beginSum(a, shape, SUMS + i, ofInput(RAX, RDX, i, minusSum(shape, scale)));
            }
            for (int part = 0; part < parts; part++) {
                decode(a, form, scale * parts + part, half);
                for (int i = 0; i < inputs; i++) {
                    a.vector(YMM, Op.VPBROADCASTD, INPUT, ofInput(RAX, RDX, i, 4 * (scale * parts + part)));
                    multiply(a, shape, part, parts, QUANTS, WORDS + i, SUMS + i, SPARE);
                }
            }
            loadScale(a, form, QUANTS, scale, half);
            if (shape.minima()) {
                loadMinimum(a, form, QUANTS + 1, scale, half);
            }
            for (int i = 0; i < inputs; i++) {
                int result = RESULTS + HALVES * i + half;
                a.vector(YMM, Op.VPBROADCASTD, INPUT, ofInput(RAX, RDX, i, SCALE));
                fold(a, SUMS + i, QUANTS, result);
                if (shape.minima()) {
                    a.vector(YMM, Op.VPBROADCASTD, INPUT, ofInput(RAX, RDX, i, total(shape, scale)));
                    a.vector(YMM, Op.VFMADD231PS, result, QUANTS + 1, INPUT);
                }
            }
        }
    }

    private static int minusSum(TileShape shape, int scale) {
        return shape.halves() ? MINUS_SUMS + 4 * scale : MINUS_SUM;
    }

    private static int total(TileShape shape, int scale) {
        return shape.halves() ? TOTALS + 4 * scale : TOTAL;
    }

    private static Address ofInput(int base, int stride, int input, int offset) {
        return input == 0 ? at(base, offset) : at(base, stride, 1, offset);
    }

    private static void clear(Assembler a, int register) {
        a.vector(YMM, Op.VPXOR, register, register, register);
    }

    /** Begins a sum of products with minus the center times the sum of the activations. */
    private static void beginSum(Assembler a, TileShape shape, int sum, Address minusSum) {
        if (shape.center() == 0 || partsOfSum(shape.largest()) == 0) {
            clear(a, sum);
        } else {
            a.vector(YMM, Op.VPBROADCASTD, sum, minusSum);
            a.shift(YMM, Op.VPSLLD, sum, sum, Integer.numberOfTrailingZeros(shape.center()));
        }
    }

    /**
     * Adds the products of a part and {@link #INPUT}, which are kept in words as long as these hold them.
     *
     * @param part of {@code parts} for one scale
     * @param spare may be {@link #INPUT}, which is lost then
     */
    private static void multiply(
            Assembler a, TileShape shape, int part, int parts, int quants, int words, int sum, int spare) {
        int length = partsOfSum(shape.largest());
        if (length == 0) {
            // the sign of a quant to the activation, the quant without it: words is free
            a.vector(YMM, Op.VPSIGNB, spare, INPUT, quants);
            a.vector(YMM, Op.VPABSB, words, 0, quants);
            a.vector(YMM, Op.VPMADDUBSW, words, words, spare);
            addWords(a, words, sum);
            return;
        }
        if (part % length == 0) {
            a.vector(YMM, Op.VPMADDUBSW, words, quants, INPUT);
        } else {
            a.vector(YMM, Op.VPMADDUBSW, spare, quants, INPUT);
            a.vector(YMM, Op.VPADDW, words, words, spare);
        }
        if ((part + 1) % length == 0 || part + 1 == parts) {
            addWords(a, words, sum);
        }
    }

    private static void addWords(Assembler a, int words, int sum) {
        a.vector(YMM, Op.VPMADDWD, words, words, at(RSP, ONE_WORDS));
        a.vector(YMM, Op.VPADDD, sum, sum, words);
    }

    /** Adds a sum times a scale times {@link #INPUT}. */
    private static void fold(Assembler a, int sum, int scale, int result) {
        a.vector(YMM, Op.VCVTDQ2PS, sum, 0, sum);
        a.vector(YMM, Op.VMULPS, INPUT, scale, INPUT);
        a.vector(YMM, Op.VFMADD231PS, result, sum, INPUT);
    }

    /** The quants, or levels, of a part and half, a byte each; signed if words do not hold their products. */
    private static void decode(Assembler a, Form form, int part, int half) {
        decodeUnsigned(a, form, part, half);
        if (partsOfSum(form.largest()) == 0) {
            a.vector(YMM, Op.VPXOR, QUANTS, QUANTS, at(RSP, SIGN_BYTES));
        }
    }

    private static void decodeUnsigned(Assembler a, Form form, int part, int half) {
        Quants quants = form.quants();
        Address line = at(RDI, quants.lowLine(part) * LINE + half * HALF_LINE);
        if (quants.low == 8) {
            a.vector(YMM, Op.VMOVDQU, QUANTS, line);
            return;
        }
        a.vector(YMM, Op.VMOVDQU, QUANTS, line);
        int shift = quants.lowShift(part);
        if (shift > 0) {
            a.shift(YMM, Op.VPSRLD, QUANTS, QUANTS, shift);
        }
        a.vector(YMM, Op.VPAND, QUANTS, QUANTS, at(RSP, LOW_MASK));
        if (quants.high > 0) {
            int highLine = quants.lowLines() + quants.highLine(part);
            a.vector(YMM, Op.VMOVDQU, SPARE, at(RDI, highLine * LINE + half * HALF_LINE));
            // to where the high bits belong in their byte; what comes from other bytes is masked
            int left = quants.low - quants.highShift(part);
            if (left != 0) {
                a.shift(YMM, left > 0 ? Op.VPSLLD : Op.VPSRLD, SPARE, SPARE, Math.abs(left));
            }
            a.vector(YMM, Op.VPAND, SPARE, SPARE, at(RSP, HIGH_MASK));
            a.vector(YMM, Op.VPOR, QUANTS, QUANTS, SPARE);
        }
        if (form.levels() != null) {
            a.vector(YMM, Op.VMOVDQU, SPARE, at(RSP, LEVELS));
            a.vector(YMM, Op.VPSHUFB, QUANTS, SPARE, QUANTS);
        }
    }

    /** A scale of the block at rdi as floats. */
    private static void loadScale(Assembler a, Form form, int to, int scale, int half) {
        int offset = form.quants().bytes();
        switch (form.scales()) {
            case HALF, HALF_AND_MINIMUM, HALVES ->
                a.vector(YMM, Op.VCVTPH2PS, to, at(RDI, offset + scale * 32 + half * 16));
            case POWER -> {
                a.vector(YMM, Op.VPMOVZXBD, to, at(RDI, offset + half * 8));
                a.shift(YMM, Op.VPSLLD, to, to, 23);
            }
            case BYTE, BYTE_AND_MINIMUM, BYTES, BYTE_OF_FLOAT, BYTES_OF_FLOAT -> {
                a.vector(YMM, Op.VPMOVSXBD, to, at(RDI, offset + scale * 16 + half * 8));
                multiplyInts(a, to, SUPER_SCALES, half);
            }
            case NIBBLES_AND_MINIMA -> {
                a.vector(YMM, Op.VPMOVZXBD, to, at(RDI, offset + scale * 16 + half * 8));
                a.shift(YMM, Op.VPSLLD, to, to, 28);
                a.shift(YMM, Op.VPSRLD, to, to, 28);
                multiplyInts(a, to, SUPER_SCALES, half);
            }
        }
    }

    private static void loadMinimum(Assembler a, Form form, int to, int scale, int half) {
        int offset = form.quants().bytes();
        switch (form.scales()) {
            case HALF_AND_MINIMUM -> a.vector(YMM, Op.VCVTPH2PS, to, at(RDI, offset + 32 + half * 16));
            case BYTE_AND_MINIMUM -> {
                a.vector(YMM, Op.VPMOVZXBD, to, at(RDI, offset + 16 + half * 8));
                multiplyInts(a, to, SUPER_MINIMA, half);
            }
            case NIBBLES_AND_MINIMA -> {
                a.vector(YMM, Op.VPMOVZXBD, to, at(RDI, offset + scale * 16 + half * 8));
                a.shift(YMM, Op.VPSRLD, to, to, 4);
                multiplyInts(a, to, SUPER_MINIMA, half);
            }
            default -> throw new IllegalArgumentException(form.dtype() + " has no minima");
        }
    }

    private static void multiplyInts(Assembler a, int to, int factors, int half) {
        a.vector(YMM, Op.VCVTDQ2PS, to, 0, to);
        a.vector(YMM, Op.VMULPS, to, to, at(RSP, factors + half * HALF_LINE));
    }

    @Override
    public byte[] unpack(Form form) {
        Assembler a = new Assembler();
        enter(a, form);
        TileShape shape = form.tileShape();
        BlockLoop.emit(a, form, RDX, () -> loadSuperBlock(a, form), () -> {
            for (int half = 0; half < HALVES; half++) {
                for (int part = 0; part < PARTS; part++) {
                    decode(a, form, part, half);
                    a.vector(YMM, Op.VMOVDQU_STORE, QUANTS, at(RSI, part * LINE + half * HALF_LINE));
                }
                for (int scale = 0; scale < shape.scales(); scale++) {
                    int offset = scale * LINE + half * HALF_LINE;
                    loadScale(a, form, QUANTS, scale, half);
                    a.vector(YMM, Op.VMOVUPS_STORE, QUANTS, at(RSI, TileShape.scalesAt() + offset));
                    if (shape.minima()) {
                        loadMinimum(a, form, QUANTS, scale, half);
                        a.vector(YMM, Op.VMOVUPS_STORE, QUANTS, at(RSI, shape.minimaAt() + offset));
                    }
                }
            }
            a.increase(RDI, form.blockBytes());
            a.increase(RSI, shape.blockBytes());
        });
        leave(a);
        return a.toBytes();
    }

    @Override
    public byte[] tile(TileShape shape, int inputs) {
        Assembler a = new Assembler();
        enter(a, shape);
        for (int i = 0; i < inputs * HALVES; i++) {
            clear(a, RESULTS + i);
        }
        Label nextBlock = new Label();
        a.place(nextBlock);
        for (int scale = 0; scale < shape.scales(); scale++) {
            multiplyTile(a, shape, inputs, scale);
        }
        a.increase(RDI, shape.blockBytes());
        a.increase(RSI, Activations.BLOCK_BYTES);
        a.decrement(RCX);
        a.jump(Condition.NOT_EQUAL, nextBlock);
        for (int i = 0; i < inputs * HALVES; i++) {
            a.vector(YMM, Op.VMOVUPS_STORE, RESULTS + i, ofInput(R8, R9, i / HALVES, i % HALVES * HALF_LINE));
        }
        leave(a);
        return a.toBytes();
    }

    private static void multiplyTile(Assembler a, TileShape shape, int inputs, int scale) {
        int parts = PARTS / shape.scales();
        for (int i = 0; i < inputs * HALVES; i++) {
            beginSum(a, shape, SUMS + i, ofInput(RSI, RDX, i / HALVES, minusSum(shape, scale)));
        }
        for (int part = 0; part < parts; part++) {
            int offset = (scale * parts + part) * LINE;
            for (int half = 0; half < HALVES; half++) {
                a.vector(YMM, Op.VMOVDQU, QUANTS + half, at(RDI, offset + half * HALF_LINE));
            }
            for (int i = 0; i < inputs; i++) {
                a.vector(YMM, Op.VPBROADCASTD, INPUT, ofInput(RSI, RDX, i, 4 * (scale * parts + part)));
                for (int half = 0; half < HALVES; half++) {
                    int n = HALVES * i + half;
                    int spare = half == 0 ? SPARE : INPUT;
                    multiply(a, shape, part, parts, QUANTS + half, WORDS + n, SUMS + n, spare);
                }
            }
        }
        for (int half = 0; half < HALVES; half++) {
            int offset = scale * LINE + half * HALF_LINE;
            a.vector(YMM, Op.VMOVUPS, QUANTS + half, at(RDI, TileShape.scalesAt() + offset));
        }
        for (int i = 0; i < inputs * HALVES; i++) {
            int offset = scale * LINE + i % HALVES * HALF_LINE;
            a.vector(YMM, Op.VPBROADCASTD, INPUT, ofInput(RSI, RDX, i / HALVES, SCALE));
            fold(a, SUMS + i, QUANTS + i % HALVES, RESULTS + i);
            if (shape.minima()) {
                a.vector(YMM, Op.VPBROADCASTD, INPUT, ofInput(RSI, RDX, i / HALVES, total(shape, scale)));
                a.vector(YMM, Op.VFMADD231PS, RESULTS + i, INPUT, at(RDI, shape.minimaAt() + offset));
            }
        }
    }
}
