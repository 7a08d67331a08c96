package dev.nibble.cpu.machine;

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
import static dev.nibble.cpu.machine.Quants.LINE;
import static dev.nibble.cpu.machine.Quants.PARTS;

import dev.nibble.cpu.machine.Assembler.Address;
import dev.nibble.cpu.machine.Assembler.Condition;
import dev.nibble.cpu.machine.Assembler.Label;

/**
 * Puts 16 rows of a file side by side: the rows, one behind the other; their {@link Form} to be written; bytes of a row;
 * blocks of the file in a row; the scales, in the order of the form with no quants between. For AVX2.
 */
final class PackingEmitter {
    private static final int HALVES = 2;

    // vector registers
    private static final int VALUE = 0;
    private static final int GATHERED = 1;
    private static final int ALL = 2;
    private static final int FLIP = 3;
    private static final int OFFSETS = 4; // of the rows of each half

    /** Masks of fields that begin at each bit of a byte, on the stack: low ones, then high ones. */
    private static final int MASK = 32;

    private static final int FRAME = 2 * 8 * MASK;

    private final Assembler a = new Assembler();
    private final Form form;
    private final Source source;

    private PackingEmitter(Form form, Source source) {
        this.form = form;
        this.source = source;
    }

    static byte[] emit(Form form, Source source) {
        return new PackingEmitter(form, source).emit();
    }

    private byte[] emit() {
        loadConstants();
        int superBytes = form.scales().superBytes;
        Label next = new Label();
        a.place(next);
        copy(R8, 0, RSI, 0, superBytes);
        int from = superBytes;
        int to = superBytes;
        for (int block = 0; block < source.blocks(); block++) {
            for (int half = 0; half < HALVES; half++) {
                for (int line = 0; line < form.quants().lines(); line++) {
                    gatherLine(block, half, line);
                    a.vector(YMM, Op.VMOVDQU_STORE, VALUE, at(RSI, to + line * LINE + half * LINE / HALVES));
                }
            }
            to += form.quants().bytes();
            copy(R8, from, RSI, to, form.scales().blockBytes);
            from += form.scales().blockBytes;
            to += form.scales().blockBytes;
        }
        a.increase(RDI, form.dtype().blockBytes());
        a.increase(R8, from);
        a.increase(RSI, to);
        a.decrement(RCX);
        a.jump(Condition.NOT_EQUAL, next);
        a.increase(RSP, FRAME);
        a.vzeroupper();
        a.ret();
        return a.toBytes();
    }

    private void loadConstants() {
        a.decrease(RSP, FRAME);
        for (int bit = 0; bit < 8; bit++) {
            constant(maskAt(true, bit), mask(form.quants().low, bit));
            constant(maskAt(false, bit), mask(form.quants().high, bit));
        }
        a.mov32(RAX, source.flip() * 0x01010101);
        a.broadcastGeneral(YMM, FLIP, RAX);
        rowOffsets(a, OFFSETS);
    }

    /** The numbers of 16 rows times the bytes of a row, which are in rdx, to two registers. */
    static void rowOffsets(Assembler a, int to) {
        a.decrease(RSP, LINE);
        a.mov32(RAX, 0);
        for (int row = 0; row < Form.ROWS; row++) {
            a.store32(at(RSP, Integer.BYTES * row), RAX);
            a.add32(RAX, RDX);
        }
        for (int half = 0; half < HALVES; half++) {
            a.vector(YMM, Op.VMOVDQU, to + half, at(RSP, half * LINE / HALVES));
        }
        a.increase(RSP, LINE);
    }

    private void constant(int offset, int value) {
        a.mov32(RAX, value);
        a.broadcastGeneral(YMM, VALUE, RAX);
        a.vector(YMM, Op.VMOVDQU_STORE, VALUE, at(RSP, offset));
    }

    private static int maskAt(boolean low, int bit) {
        return (low ? 0 : 8 * MASK) + bit * MASK;
    }

    private static int mask(int bits, int bit) {
        return ((1 << bits) - 1 << bit & 0xff) * 0x01010101;
    }

    /** The ints of a line, of half the rows, to {@link #VALUE}. */
    private void gatherLine(int block, int half, int line) {
        Quants quants = form.quants();
        boolean low = line < quants.lowLines();
        boolean isFirst = true;
        for (int part = 0; part < PARTS; part++) {
            int in = low ? quants.lowLine(part) : quants.lowLines() + quants.highLine(part);
            if (in != line) {
                continue;
            }
            int bit = (low ? source.low() : source.high()).bit(block, part);
            int to = low ? quants.lowShift(part) : quants.highShift(part);
            int into = isFirst ? VALUE : GATHERED;
            a.vector(YMM, Op.VPCMPEQD, ALL, ALL, ALL);
            a.vector(YMM, Op.VPGATHERDD, into, ALL, new Address(RDI, OFFSETS + half, 1, bit / 8));
            int left = to - bit % 8;
            if (left != 0) {
                a.shift(YMM, left > 0 ? Op.VPSLLD : Op.VPSRLD, into, into, Math.abs(left));
            }
            a.vector(YMM, Op.VPAND, into, into, at(RSP, maskAt(low, to)));
            if (!isFirst) {
                a.vector(YMM, Op.VPOR, VALUE, VALUE, GATHERED);
            }
            isFirst = false;
        }
        if (source.flip() != 0) {
            a.vector(YMM, Op.VPXOR, VALUE, VALUE, FLIP);
        }
    }

    /** Copies a multiple of 16 bytes. */
    private void copy(int from, int fromAt, int to, int toAt, int bytes) {
        for (int i = 0; i < bytes; i += 16) {
            a.vector(XMM, Op.VMOVDQU, VALUE, at(from, fromAt + i));
            a.vector(XMM, Op.VMOVDQU_STORE, VALUE, at(to, toAt + i));
        }
    }
}
