package dev.nibble.cpu.machine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Writes x86-64 machine code: the instructions that kernels need, no others. Encodings are those of Intel's Software
 * Developer's Manual, volume 2, chapter 2 (ModRM, SIB, VEX, EVEX).
 */
final class Assembler {
    // general registers
    static final int RAX = 0;
    static final int RCX = 1;
    static final int RDX = 2;
    static final int RBX = 3;
    static final int RSP = 4;
    static final int RSI = 6;
    static final int RDI = 7;
    static final int R8 = 8;
    static final int R9 = 9;
    static final int R10 = 10;
    static final int R11 = 11;
    static final int R12 = 12;
    static final int R13 = 13;

    private static final int NONE = -1;

    /** An address: base + index · scale + displacement. The index of a gathering instruction is a vector register. */
    record Address(int base, int index, int scale, int displacement) {
        Address plus(int bytes) {
            return new Address(base, index, scale, displacement + bytes);
        }
    }

    static Address at(int base, int displacement) {
        return new Address(base, NONE, 1, displacement);
    }

    static Address at(int base, int index, int scale, int displacement) {
        return new Address(base, index, scale, displacement);
    }

    /** A place in the code that jumps go to. */
    static final class Label {
        private int position = NONE;
        private int[] jumps = new int[0];
    }

    /** Conditions of jumps. */
    enum Condition {
        BELOW(2),
        ABOVE_OR_EQUAL(3),
        EQUAL(4),
        NOT_EQUAL(5);

        private final int code;

        Condition(int code) {
            this.code = code;
        }
    }

    /** Widths of vectors. Instructions on the widest are written with EVEX, which can name 32 registers. */
    enum Width {
        XMM(16),
        YMM(32),
        ZMM(64);

        final int bytes;

        Width(int bytes) {
            this.bytes = bytes;
        }
    }

    private ByteBuffer code = ByteBuffer.allocate(1 << 12).order(ByteOrder.LITTLE_ENDIAN);

    /** The code so far. */
    byte[] toBytes() {
        return Arrays.copyOf(code.array(), code.position());
    }

    // Vector instructions. Operands stand in Intel's order: the destination first.

    /** All in registers. */
    void vector(Width width, Op op, int to, int first, int second) {
        encode(width, op, to, first, second);
        writeModRm(3, to, second);
    }

    void vector(Width width, Op op, int to, int first, int second, int immediate) {
        vector(width, op, to, first, second);
        write(immediate);
    }

    /** The last operand in memory. */
    void vector(Width width, Op op, int to, int first, Address second) {
        encode(width, op, to, first, second, false);
    }

    /** The last operand an int or a float in memory, the same for all lanes; only of 512 bits. */
    void broadcast(Op op, int to, int first, Address second) {
        encode(Width.ZMM, op, to, first, second, true);
    }

    /** A shift by a constant. */
    void shift(Width width, Op op, int to, int from, int count) {
        encode(width, op, op.extension, to, from);
        writeModRm(3, op.extension, from);
        write(count);
    }

    /** A shift by a constant of an int in memory, the same for all lanes. */
    void broadcastShift(Op op, int to, Address from, int count) {
        encode(Width.ZMM, op, op.extension, to, from, true);
        write(count);
    }

    /** An instruction of two operands. */
    void vector(Width width, Op op, int to, int from) {
        vector(width, op, to, 0, from);
    }

    void vector(Width width, Op op, int to, Address from) {
        vector(width, op, to, 0, from);
    }

    /** Fills the lanes with an int of a general register. */
    void broadcastGeneral(Width width, int to, int general) {
        if (width == Width.ZMM) {
            encodeEvex(1, 2, to, 0, 0, general, false);
            write(0x7C);
            writeModRm(3, to, general);
        } else {
            vector(Width.XMM, Op.VMOVD_FROM_GENERAL, to, 0, general);
            vector(width, Op.VPBROADCASTD, to, 0, to);
        }
    }

    /** To be called before a return from code that used wide vectors: the caller's narrow ones are slow otherwise. */
    void vzeroupper() {
        write(0xC5);
        write(0xF8);
        write(0x77);
    }

    private void encode(Width width, Op op, int reg, int first, int second) {
        if (width == Width.ZMM) {
            encodeEvex(op.prefix, op.map, reg, first, second & 16, second, false);
        } else {
            requireLow(second);
            encodeVex(op.prefix, op.map, reg, first, 0, second, width);
        }
        write(op.opcode);
    }

    private void encode(Width width, Op op, int reg, int first, Address second, boolean broadcast) {
        int index = second.index == NONE ? 0 : second.index;
        int unit = 1;
        if (width == Width.ZMM) {
            unit = broadcast ? 4 : op.memoryBytes(width.bytes);
            encodeEvex(op.prefix, op.map, reg, first, index & 8, second.base, broadcast);
        } else {
            encodeVex(op.prefix, op.map, reg, first, index, second.base, width);
        }
        write(op.opcode);
        writeAddress(reg, second, unit);
    }

    private void encodeVex(int prefix, int map, int reg, int first, int index, int rm, Width width) {
        requireLow(reg, first);
        write(0xC4);
        write((reg < 8 ? 0x80 : 0) | (index < 8 ? 0x40 : 0) | (rm < 8 ? 0x20 : 0) | map);
        write(~first << 3 & 0x78 | (width == Width.YMM ? 4 : 0) | prefix);
    }

    private static void requireLow(int... registers) {
        for (int register : registers) {
            if (register >= 16) {
                throw new IllegalArgumentException("there are 16 vector registers with VEX, not " + register);
            }
        }
    }

    /**
     * @param extended not 0 if the X bit is set: bit 4 of a vector register, or bit 3 of an index
     */
    private void encodeEvex(int prefix, int map, int reg, int first, int extended, int rm, boolean broadcast) {
        write(0x62);
        write(((reg & 8) == 0 ? 0x80 : 0)
                | (extended == 0 ? 0x40 : 0)
                | ((rm & 8) == 0 ? 0x20 : 0)
                | ((reg & 16) == 0 ? 0x10 : 0)
                | map);
        write(~first << 3 & 0x78 | 4 | prefix);
        write(0x40 | (broadcast ? 0x10 : 0) | ((first & 16) == 0 ? 8 : 0));
    }

    // General instructions, on 64 bits unless the name says 32.

    void mov(int to, int from) {
        general(0x89, from, to);
    }

    void add(int to, int from) {
        general(0x01, from, to);
    }

    void increase(int register, int by) {
        immediate(0, register, by);
    }

    void decrease(int register, int by) {
        immediate(5, register, by);
    }

    void shiftLeft(int register, int count) {
        rex(true, 0, 0, register);
        write(0xC1);
        writeModRm(3, 4, register);
        write(count);
    }

    void decrement(int register) {
        rex(true, 0, 0, register);
        write(0xFF);
        writeModRm(3, 1, register);
    }

    void lea(int to, Address address) {
        rex(true, to, address.index == NONE ? 0 : address.index, address.base);
        write(0x8D);
        writeAddress(to, address, 1);
    }

    /** An immediate of 32 bits, the upper half 0. */
    void mov32(int to, int immediate) {
        rex(false, 0, 0, to);
        write(0xB8 | to & 7);
        writeInt(immediate);
    }

    void mov64(int to, long immediate) {
        rex(true, 0, 0, to);
        write(0xB8 | to & 7);
        writeInt((int) immediate);
        writeInt((int) (immediate >>> 32));
    }

    void store32(Address to, int from) {
        rex(false, from, to.index == NONE ? 0 : to.index, to.base);
        write(0x89);
        writeAddress(from, to, 1);
    }

    void load(int to, Address from) {
        rex(true, to, from.index == NONE ? 0 : from.index, from.base);
        write(0x8B);
        writeAddress(to, from, 1);
    }

    /** Has a line of 64 bytes brought into the first-level cache (PREFETCHT0); an address may be invalid. */
    void prefetch(Address address) {
        rex(false, 0, address.index == NONE ? 0 : address.index, address.base);
        write(0x0F);
        write(0x18);
        writeAddress(1, address, 1);
    }

    /** The lower half of a vector register, one of the first 16; needs no AVX. */
    void storeVector(Address to, int from) {
        moveVector(0x11, from, to);
    }

    /** What {@link #storeVector} stored. */
    void loadVector(int to, Address from) {
        moveVector(0x10, to, from);
    }

    private void moveVector(int opcode, int register, Address address) {
        requireLow(register);
        rex(false, register, address.index == NONE ? 0 : address.index, address.base);
        write(0x0F);
        write(opcode);
        writeAddress(register, address, 1);
    }

    void compare32(int register, int immediate) {
        rex(false, 0, 0, register);
        write(0x81);
        writeModRm(3, 7, register);
        writeInt(immediate);
    }

    void and32(int register, int immediate) {
        rex(false, 0, 0, register);
        write(0x81);
        writeModRm(3, 4, register);
        writeInt(immediate);
    }

    void add32(int to, int from) {
        rex(false, from, 0, to);
        write(0x01);
        writeModRm(3, from, to);
    }

    void negate32(int register) {
        rex(false, 0, 0, register);
        write(0xF7);
        writeModRm(3, 3, register);
    }

    void push(int register) {
        rex(false, 0, 0, register);
        write(0x50 | register & 7);
    }

    /** Puts bytes on the stack, a multiple of 8, by way of rax. */
    void push(byte[] bytes) {
        ByteBuffer longs = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = bytes.length - Long.BYTES; i >= 0; i -= Long.BYTES) {
            mov64(RAX, longs.getLong(i));
            push(RAX);
        }
    }

    void pop(int register) {
        rex(false, 0, 0, register);
        write(0x58 | register & 7);
    }

    void cpuid() {
        write(0x0F);
        write(0xA2);
    }

    /** The register that says which vector registers the system saves, to edx and eax. */
    void xgetbv() {
        write(0x0F);
        write(0x01);
        write(0xD0);
    }

    void ret() {
        write(0xC3);
    }

    /** Code that was written before, and holds no distance to what is outside of it. */
    void append(byte[] bytes) {
        ensure(bytes.length);
        code.put(bytes);
    }

    void place(Label label) {
        label.position = code.position();
        for (int jump : label.jumps) {
            code.putInt(jump, label.position - (jump + 4));
        }
    }

    void jump(Label label) {
        write(0xE9);
        writeDistance(label);
    }

    void call(Label label) {
        write(0xE8);
        writeDistance(label);
    }

    void jump(Condition condition, Label label) {
        write(0x0F);
        write(0x80 | condition.code);
        writeDistance(label);
    }

    private void writeDistance(Label label) {
        int at = code.position();
        if (label.position == NONE) {
            label.jumps = Arrays.copyOf(label.jumps, label.jumps.length + 1);
            label.jumps[label.jumps.length - 1] = at;
        }
        writeInt(label.position == NONE ? 0 : label.position - (at + 4));
    }

    private void general(int opcode, int reg, int rm) {
        rex(true, reg, 0, rm);
        write(opcode);
        writeModRm(3, reg, rm);
    }

    private void immediate(int extension, int register, int immediate) {
        rex(true, 0, 0, register);
        write(0x81);
        writeModRm(3, extension, register);
        writeInt(immediate);
    }

    private void rex(boolean wide, int reg, int index, int rm) {
        int bits = (wide ? 8 : 0) | (reg >= 8 ? 4 : 0) | (index >= 8 ? 2 : 0) | (rm >= 8 ? 1 : 0);
        if (bits != 0) {
            write(0x40 | bits);
        }
    }

    /**
     * @param unit what a displacement of one byte is counted in
     */
    private void writeAddress(int reg, Address address, int unit) {
        int displacement = address.displacement;
        boolean isShort = displacement % unit == 0 && (byte) (displacement / unit) == displacement / unit;
        boolean indexed = address.index != NONE || (address.base & 7) == RSP;
        writeModRm(isShort ? 1 : 2, reg, indexed ? RSP : address.base);
        if (indexed) {
            int index = address.index == NONE ? RSP : address.index;
            write(Integer.numberOfTrailingZeros(address.scale) << 6 | (index & 7) << 3 | address.base & 7);
        }
        if (isShort) {
            write(displacement / unit);
        } else {
            writeInt(displacement);
        }
    }

    private void writeModRm(int mode, int reg, int rm) {
        write(mode << 6 | (reg & 7) << 3 | rm & 7);
    }

    private void write(int value) {
        ensure(1);
        code.put((byte) value);
    }

    private void writeInt(int value) {
        ensure(4);
        code.putInt(value);
    }

    private void ensure(int bytes) {
        while (code.remaining() < bytes) {
            ByteBuffer larger = ByteBuffer.allocate(2 * code.capacity()).order(ByteOrder.LITTLE_ENDIAN);
            code = larger.put(code.flip());
        }
    }
}
