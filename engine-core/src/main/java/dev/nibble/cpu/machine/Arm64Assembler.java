package dev.nibble.cpu.machine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Writes ARM64 machine code: the instructions that kernels need, no others. Encodings are those of the Arm Architecture Reference
 * Manual (DDI 0487), chapters C4, C6 and C7. General registers are numbers from 0 on, {@link #SP} where one is an address;
 * vector registers likewise.
 */
final class Arm64Assembler {
    /** The stack pointer, as a base. */
    static final int SP = 31;

    /** The frame pointer and the link register. */
    static final int FP = 29;

    static final int LR = 30;

    private static final int NONE = -1;

    /** A place in the code that branches go to. */
    static final class Label {
        private int position = NONE;
        private int[] branches = new int[0];
    }

    /** Conditions of branches. */
    enum Condition {
        EQUAL(0),
        NOT_EQUAL(1),
        /** Without signs. */
        ABOVE_OR_EQUAL(2),
        /** Without signs. */
        BELOW(3);

        private final int code;

        Condition(int code) {
            this.code = code;
        }
    }

    private ByteBuffer code = ByteBuffer.allocate(1 << 12).order(ByteOrder.LITTLE_ENDIAN);

    /** The code so far. */
    byte[] toBytes() {
        return Arrays.copyOf(code.array(), code.position());
    }

    // Vector instructions. The destination stands first.

    void vector(ArmOp op, int to, int from) {
        write(op.word | from << 5 | to);
    }

    void vector(ArmOp op, int to, int first, int second) {
        write(op.word | second << 16 | first << 5 | to);
    }

    /** The last operand one of the four elements of a register. */
    void element(ArmOp op, int to, int first, int second, int index) {
        requireIn(index, 0, 3);
        write(op.word | (index & 1) << 21 | second << 16 | (index >> 1) << 11 | first << 5 | to);
    }

    void move(int to, int from) {
        vector(ArmOp.ORR_16B, to, from, from);
    }

    void clear(int to) {
        fillBytes(to, 0);
    }

    /** MOVI: every byte. */
    void fillBytes(int to, int value) {
        requireIn(value, 0, 255);
        write(0x4F00E400 | (value >> 5) << 16 | (value & 31) << 5 | to);
    }

    /** DUP: an element in all four. */
    void fill(int to, int from, int index) {
        requireIn(index, 0, 3);
        write(0x4E000400 | (index << 3 | 4) << 16 | from << 5 | to);
    }

    /** DUP: the first two elements twice. */
    void fillPairs(int to, int from) {
        write(0x4E080400 | from << 5 | to);
    }

    /** USHR: bytes, in by zeros. */
    void shiftBytesRight(int to, int from, int count) {
        requireIn(count, 1, 7);
        write(0x6F000400 | (16 - count) << 16 | from << 5 | to);
    }

    /** SHL: bytes. */
    void shiftBytesLeft(int to, int from, int count) {
        requireIn(count, 1, 7);
        write(0x4F005400 | (8 + count) << 16 | from << 5 | to);
    }

    /** SHL: ints. */
    void shiftIntsLeft(int to, int from, int count) {
        requireIn(count, 0, 31);
        write(0x4F005400 | (32 + count) << 16 | from << 5 | to);
    }

    /** FMOV: the lowest element of a vector to a general register, 32 bits. */
    void moveToGeneral(int general, int vector) {
        write(0x1E260000 | vector << 5 | general);
    }

    /** FMOV: 32 bits, the rest of the vector 0. */
    void moveFromGeneral(int vector, int general) {
        write(0x1E270000 | general << 5 | vector);
    }

    /** FMOV: 64 bits to a half of a vector; the lower one clears the upper. */
    void moveFromGeneral64(int vector, int half, int general) {
        write((half == 0 ? 0x9E670000 : 0x9EAF0000) | general << 5 | vector);
    }

    /** SCVTF: an int as a float, the rest of the vector 0. */
    void convertGeneral(int vector, int general) {
        write(0x1E220000 | general << 5 | vector);
    }

    // Loads and stores: a base and an offset, a multiple of what is moved.

    /** 16 bytes. */
    void load(int to, int base, int offset) {
        write(0x3DC00000 | scaled(offset, 16) << 10 | base << 5 | to);
    }

    /** 8 bytes, the rest of the vector 0. */
    void load8(int to, int base, int offset) {
        write(0xFD400000 | scaled(offset, 8) << 10 | base << 5 | to);
    }

    /** 4 bytes, the rest of the vector 0. */
    void load4(int to, int base, int offset) {
        write(0xBD400000 | scaled(offset, 4) << 10 | base << 5 | to);
    }

    /** LDP: twice 16 bytes. */
    void loadPair(int first, int second, int base, int offset) {
        write(0xAD400000 | pairOffset(offset, 16) << 15 | second << 10 | base << 5 | first);
    }

    /** 16 bytes. */
    void store(int from, int base, int offset) {
        write(0x3D800000 | scaled(offset, 16) << 10 | base << 5 | from);
    }

    /** 4 bytes. */
    void store4(int from, int base, int offset) {
        write(0xBD000000 | scaled(offset, 4) << 10 | base << 5 | from);
    }

    /** STP: twice 16 bytes. */
    void storePair(int first, int second, int base, int offset) {
        write(0xAD000000 | pairOffset(offset, 16) << 15 | second << 10 | base << 5 | first);
    }

    /** STP: the lower halves of two vectors. */
    void storePair8(int first, int second, int base, int offset) {
        write(0x6D000000 | pairOffset(offset, 8) << 15 | second << 10 | base << 5 | first);
    }

    /** LDP: the lower halves of two vectors. */
    void loadPair8(int first, int second, int base, int offset) {
        write(0x6D400000 | pairOffset(offset, 8) << 15 | second << 10 | base << 5 | first);
    }

    /** STP: two general registers, 64 bits each. */
    void storeGeneralPair(int first, int second, int base, int offset) {
        write(0xA9000000 | pairOffset(offset, 8) << 15 | second << 10 | base << 5 | first);
    }

    /** LDP: two general registers, 64 bits each. */
    void loadGeneralPair(int first, int second, int base, int offset) {
        write(0xA9400000 | pairOffset(offset, 8) << 15 | second << 10 | base << 5 | first);
    }

    /** STR: 32 bits. */
    void storeGeneral4(int from, int base, int offset) {
        write(0xB9000000 | scaled(offset, 4) << 10 | base << 5 | from);
    }

    private static int scaled(int offset, int unit) {
        requireIn(offset, 0, 4095 * unit);
        requireMultiple(offset, unit);
        return offset / unit;
    }

    private static int pairOffset(int offset, int unit) {
        requireIn(offset, -64 * unit, 63 * unit);
        requireMultiple(offset, unit);
        return offset / unit & 0x7f;
    }

    // General instructions, on 64 bits unless the name says 32.

    void mov(int to, int from) {
        write(0xAA0003E0 | from << 16 | to);
    }

    void add(int to, int first, int second) {
        write(0x8B000000 | second << 16 | first << 5 | to);
    }

    /** The register may be {@link #SP}. */
    void increase(int register, int by) {
        requireIn(by, 0, 4095);
        write(0x91000000 | by << 10 | register << 5 | register);
    }

    /** The register may be {@link #SP}. */
    void decrease(int register, int by) {
        requireIn(by, 0, 4095);
        write(0xD1000000 | by << 10 | register << 5 | register);
    }

    /** SUBS: for a branch on zero. */
    void countDown(int register, int by) {
        requireIn(by, 0, 4095);
        write(0xF1000000 | by << 10 | register << 5 | register);
    }

    void shiftLeft(int to, int from, int count) {
        requireIn(count, 1, 63);
        write(0xD3400000 | (-count & 63) << 16 | (63 - count) << 10 | from << 5 | to);
    }

    /** The upper half is 0. */
    void mov32(int to, int immediate) {
        write(0x52800000 | (immediate & 0xffff) << 5 | to);
        if (immediate >>> 16 != 0) {
            write(0x72A00000 | immediate >>> 16 << 5 | to);
        }
    }

    void mov64(int to, long immediate) {
        write(0xD2800000 | (int) (immediate & 0xffff) << 5 | to);
        for (int part = 1; part < 4; part++) {
            int bits = (int) (immediate >>> 16 * part) & 0xffff;
            if (bits != 0) {
                write(0xF2800000 | part << 21 | bits << 5 | to);
            }
        }
    }

    void add32(int to, int first, int second) {
        write(0x0B000000 | second << 16 | first << 5 | to);
    }

    void negate32(int to, int from) {
        write(0x4B0003E0 | from << 16 | to);
    }

    void compare32(int first, int second) {
        write(0x6B00001F | second << 16 | first << 5);
    }

    void ret() {
        write(0xD65F03C0);
    }

    /** Code that was written before, and holds no distance to what is outside of it. */
    void append(byte[] bytes) {
        requireMultiple(bytes.length, Integer.BYTES);
        ensure(bytes.length);
        code.put(bytes);
    }

    void place(Label label) {
        label.position = code.position();
        for (int branch : label.branches) {
            code.putInt(branch, withDistance(code.getInt(branch), label.position - branch));
        }
    }

    void branch(Label label) {
        branch(0x14000000, label);
    }

    /** BL: a call. */
    void call(Label label) {
        branch(0x94000000, label);
    }

    void branch(Condition condition, Label label) {
        branch(0x54000000 | condition.code, label);
    }

    private void branch(int word, Label label) {
        int at = code.position();
        if (label.position == NONE) {
            label.branches = Arrays.copyOf(label.branches, label.branches.length + 1);
            label.branches[label.branches.length - 1] = at;
            write(word);
        } else {
            write(withDistance(word, label.position - at));
        }
    }

    /** Distances are counted in words: 19 bits of a conditional branch, 26 of others. */
    private static int withDistance(int word, int bytes) {
        boolean isConditional = word >>> 24 == 0x54;
        int bits = isConditional ? 19 : 26;
        int words = bytes / Integer.BYTES;
        requireIn(words, -(1 << bits - 1), (1 << bits - 1) - 1);
        int distance = words & (1 << bits) - 1;
        return word | (isConditional ? distance << 5 : distance);
    }

    private static void requireIn(int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(value + " is not between " + least + " and " + most);
        }
    }

    private static void requireMultiple(int value, int unit) {
        if (value % unit != 0) {
            throw new IllegalArgumentException(value + " is no multiple of " + unit);
        }
    }

    private void write(int word) {
        ensure(Integer.BYTES);
        code.putInt(word);
    }

    private void ensure(int bytes) {
        while (code.remaining() < bytes) {
            ByteBuffer larger = ByteBuffer.allocate(2 * code.capacity()).order(ByteOrder.LITTLE_ENDIAN);
            code = larger.put(code.flip());
        }
    }
}
