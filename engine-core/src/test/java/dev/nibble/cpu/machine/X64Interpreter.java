package dev.nibble.cpu.machine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.function.UnaryOperator;

/**
 * Runs code for x86-64 that was written with {@link Assembler}, as Intel's manual says, from its bytes: so code with vectors of 512
 * bits and tiles is run on processors that have neither. It knows the instructions of {@link AmxEmitter} and no others.
 */
@SuppressWarnings("restricted")
final class X64Interpreter implements NativeFunction {
    private static final int STACK_LONGS = 64;
    private static final int LANES = 16;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private final ByteBuffer code;

    private final UnaryOperator<Float> sums;

    X64Interpreter(byte[] code) {
        this(code, sum -> sum);
    }

    /**
     * @param sums what becomes of those of products of tiles: other than itself on a processor that is wrong
     */
    X64Interpreter(byte[] code, UnaryOperator<Float> sums) {
        this.sums = sums;
        this.code = ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN).asReadOnlyBuffer();
    }

    @Override
    public void call(long a, long b, long c, long d, long e, long f) {
        new Run(code.duplicate().order(ByteOrder.LITTLE_ENDIAN), sums, a, b, c, d, e, f).run();
    }

    /** An operand: a register, or memory if {@code register} is -1. */
    private record Operand(int register, long address) {
        boolean isMemory() {
            return register < 0;
        }
    }

    private static final class Run {
        private final ByteBuffer code;
        private final MemorySegment memory = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
        private final long[] general = new long[16];
        private final int[][] vectors = new int[32][LANES];
        private final byte[] stack = new byte[STACK_LONGS * Long.BYTES];
        private final int[][][] tiles = new int[8][LANES][LANES]; // [tile, row, lane]
        private boolean configured;
        private boolean zero;
        private boolean below;

        private final UnaryOperator<Float> sums;

        Run(ByteBuffer code, UnaryOperator<Float> sums, long... arguments) {
            this.sums = sums;
            this.code = code;
            int[] registers = {Assembler.RDI, Assembler.RSI, Assembler.RDX, Assembler.RCX, Assembler.R8, Assembler.R9};
            for (int i = 0; i < arguments.length; i++) {
                general[registers[i]] = arguments[i];
            }
            for (int i = 0; i < vectors.length; i++) {
                Arrays.fill(vectors[i], 0x7fc00000 + i); // what was there before
            }
            general[Assembler.RBX] = 0x1234;
            general[Assembler.R12] = 0x5678;
            general[Assembler.RSP] = -8; // the stack is at the negative addresses
        }

        void run() {
            while (step()) {}
            check(general[Assembler.RSP] == -8, "the stack is not as it was");
            check(general[Assembler.RBX] == 0x1234 && general[Assembler.R12] == 0x5678, "a register is the caller's");
            check(!configured, "tiles were not released");
        }

        private void check(boolean holds, String what) {
            if (!holds) {
                throw new IllegalStateException("at byte " + code.position() + ": " + what);
            }
        }

        private int next() {
            return code.get() & 0xff;
        }

        // Memory, and the stack below it.

        private int readInt(long address) {
            return address < 0
                    ? ByteBuffer.wrap(stack).order(ByteOrder.LITTLE_ENDIAN).getInt((int) (stack.length + address))
                    : memory.get(INT, address);
        }

        private void push(long value) {
            general[Assembler.RSP] -= Long.BYTES;
            ByteBuffer.wrap(stack)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong((int) (stack.length + general[Assembler.RSP]), value);
        }

        private long pop() {
            long value = ByteBuffer.wrap(stack).order(ByteOrder.LITTLE_ENDIAN).getLong((int)
                    (stack.length + general[Assembler.RSP]));
            general[Assembler.RSP] += Long.BYTES;
            return value;
        }

        /** Runs an instruction; whether it was not the return. */
        private boolean step() {
            int opcode = next();
            switch (opcode) {
                case 0x62 -> evex();
                case 0xC4 -> vex();
                case 0xC5 -> check(next() == 0xF8 && next() == 0x77, "not vzeroupper");
                case 0xC3 -> {
                    return false;
                }
                default -> {
                    int rex = (opcode & 0xF0) == 0x40 ? opcode & 15 : 0;
                    plain(rex == 0 ? opcode : next(), rex);
                }
            }
            return true;
        }

        private void plain(int opcode, int rex) {
            boolean wide = (rex & 8) != 0;
            int low = opcode & 7 | (rex & 1) << 3;
            if ((opcode & 0xF8) == 0x50) {
                push(general[low]);
            } else if ((opcode & 0xF8) == 0x58) {
                general[low] = pop();
            } else if ((opcode & 0xF8) == 0xB8) {
                general[low] = wide ? code.getLong() : code.getInt() & 0xffffffffL;
            } else if (opcode == 0xE9) {
                jump(true);
            } else if (opcode == 0x0F) {
                int condition = next();
                if (condition == 0x18) { // a prefetch, which changes nothing
                    operand(next(), rex >> 1 & 1, rex & 1, 1);
                    return;
                }
                jump(
                        switch (condition) {
                            case 0x82 -> below;
                            case 0x83 -> !below;
                            case 0x84 -> zero;
                            case 0x85 -> !zero;
                            default -> throw new IllegalStateException("0F " + Integer.toHexString(condition));
                        });
            } else {
                registers(opcode, wide, rex);
            }
        }

        private void jump(boolean taken) {
            int distance = code.getInt();
            if (taken) {
                code.position(code.position() + distance);
            }
        }

        private void registers(int opcode, boolean wide, int rex) {
            int modRm = next();
            check(modRm >>> 6 == 3, "not of registers");
            int field = modRm >> 3 & 7;
            int reg = field | (rex & 4) << 1;
            int rm = modRm & 7 | (rex & 1) << 3;
            check(wide || opcode == 0x81 && field == 7, "not of 64 bits");
            switch (opcode) {
                case 0x89 -> general[rm] = general[reg];
                case 0x01 -> general[rm] += general[reg];
                case 0xC1 -> general[rm] <<= next();
                case 0xFF -> {
                    check(field == 1, "not a decrement");
                    zero = --general[rm] == 0;
                }
                case 0x81 -> {
                    int by = code.getInt();
                    switch (field) {
                        case 0 -> general[rm] += by;
                        case 5 -> {
                            general[rm] -= by;
                            zero = general[rm] == 0;
                        }
                        case 7 -> {
                            check(!wide, "a comparison of 64 bits");
                            zero = (int) general[rm] == by;
                            below = Integer.compareUnsigned((int) general[rm], by) < 0;
                        }
                        default -> throw new IllegalStateException("81 /" + field);
                    }
                }
                default -> throw new IllegalStateException(Integer.toHexString(opcode));
            }
        }

        /** The last operand of a vector instruction whose prefix said {@code x} and {@code b}. */
        private Operand operand(int modRm, int x, int b, int unit) {
            int mode = modRm >>> 6;
            int rm = modRm & 7;
            if (mode == 3) {
                return new Operand(rm | b << 3 | x << 4, 0);
            }
            check(mode != 0, "an address without displacement");
            long address;
            if (rm == Assembler.RSP) {
                int sib = next();
                address = general[sib & 7 | b << 3];
                int index = sib >> 3 & 7 | x << 3;
                if (index != Assembler.RSP) {
                    address += general[index] << (sib >>> 6);
                }
            } else {
                address = general[rm | b << 3];
            }
            return new Operand(-1, address + (mode == 1 ? code.get() * unit : code.getInt()));
        }

        private static Op op(int prefix, int map, int opcode, int field) {
            for (Op op : Op.values()) {
                boolean same = op.prefix == prefix && op.map == map && op.opcode == opcode;
                if (same && (op.extension < 0 || op.extension == field)) {
                    return op;
                }
            }
            throw new IllegalStateException(prefix + " " + map + " " + Integer.toHexString(opcode) + " /" + field);
        }

        private void evex() {
            int p0 = next();
            int p1 = next();
            int p2 = next();
            check((p1 & 0x84) == 4 && p2 >> 5 == 2 && (p2 & 0x87) == 0, "not EVEX of 512 bits");
            check((p2 & 0x10) == 0, "a broadcast");
            int opcode = next();
            int modRm = code.get(code.position()) & 0xff;
            code.position(code.position() + 1);
            int field = modRm >> 3 & 7;
            int to = field | (~p0 & 0x80) >> 4 | ~p0 & 0x10;
            int first = ~p1 >> 3 & 15 | (~p2 & 8) << 1;
            int x = ~p0 >> 6 & 1;
            int b = ~p0 >> 5 & 1;
            if ((p0 & 7) == 2 && opcode == 0x7C) {
                check((p1 & 3) == 1 && modRm >>> 6 == 3, "not vpbroadcastd");
                Arrays.fill(vectors[to], (int) general[modRm & 7 | b << 3]);
                return;
            }
            Op op = op(p1 & 3, p0 & 7, opcode, field);
            compute(op, to, first, operand(modRm, x, b, op.memoryBytes(64)));
        }

        /** A lane of an operand as the instruction reads it. */
        private int lane(Op op, Operand operand, int lane) {
            if (!operand.isMemory()) {
                return vectors[operand.register][lane];
            }
            long at = operand.address + (long) lane * op.memoryBytes(64) / LANES;
            return switch (op) {
                case VBROADCASTI128 -> readInt(operand.address + lane % 4 * 4L);
                case VPMOVSXBD, VPMOVZXBD -> memory.get(ValueLayout.JAVA_BYTE, at);
                case VPMOVZXWD, VCVTPH2PS -> memory.get(SHORT, at);
                default -> readInt(at);
            };
        }

        private void compute(Op op, int to, int first, Operand second) {
            if (op == Op.VMOVDQU_STORE || op == Op.VMOVUPS_STORE) {
                for (int i = 0; i < LANES; i++) {
                    memory.set(INT, second.address + 4L * i, vectors[to][i]);
                }
                return;
            }
            int target = op.extension < 0 ? to : first;
            int immediate = op.extension >= 0 || op.map == 3 ? next() : 0;
            int[] result = new int[LANES];
            int[] table = vectors[first];
            for (int i = 0; i < LANES; i++) {
                int a = vectors[to][i];
                int b = table[i];
                int c = lane(op, second, i);
                result[i] = switch (op) {
                    case VMOVDQU, VMOVUPS, VBROADCASTI128, VPMOVSXBD -> c;
                    case VPMOVZXBD -> c & 0xff;
                    case VPMOVZXWD -> c & 0xffff;
                    case VPAND -> b & c;
                    case VPXOR -> b ^ c;
                    case VPADDD -> b + c;
                    case VPSUBB -> bytes(b, c);
                    case VPSRLD -> c >>> immediate;
                    case VPSLLD -> c << immediate;
                    case VPSRAD -> c >> immediate;
                    case VPROLD -> Integer.rotateLeft(c, immediate);
                    case VPTERNLOGD -> ternary(a, b, c, immediate);
                    case VPSHUFB -> shuffle(table, i, c);
                    case VCVTPH2PS -> Float.floatToRawIntBits(Float.float16ToFloat((short) c));
                    case VCVTDQ2PS -> Float.floatToRawIntBits(c);
                    case VMULPS -> Float.floatToRawIntBits(Float.intBitsToFloat(b) * Float.intBitsToFloat(c));
                    case VFMADD213PS ->
                        Float.floatToRawIntBits(
                                Math.fma(Float.intBitsToFloat(b), Float.intBitsToFloat(a), Float.intBitsToFloat(c)));
                    default -> throw new IllegalStateException(op.name());
                };
            }
            vectors[target] = result;
        }

        private static int bytes(int from, int what) {
            int result = 0;
            for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
                result |= ((from >>> shift) - (what >>> shift) & 0xff) << shift;
            }
            return result;
        }

        private static int ternary(int a, int b, int c, int table) {
            int result = 0;
            for (int bit = 0; bit < Integer.SIZE; bit++) {
                int row = (a >>> bit & 1) << 2 | (b >>> bit & 1) << 1 | c >>> bit & 1;
                result |= (table >>> row & 1) << bit;
            }
            return result;
        }

        /** Bytes of a quarter of the table, chosen by those of an int. */
        private static int shuffle(int[] table, int lane, int choice) {
            int result = 0;
            for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
                int index = choice >>> shift & 0xff;
                if (index < 0x80) {
                    int from = table[lane / 4 * 4 + (index & 15) / 4];
                    result |= (from >>> (index & 3) * Byte.SIZE & 0xff) << shift;
                }
            }
            return result;
        }

        // Tiles.

        private void vex() {
            int p1 = next();
            int p2 = next();
            check((p1 & 31) == 2 && (p2 & 0x84) == 0, "not VEX of 128 bits, map 0F38");
            int opcode = next();
            int modRm = next();
            int tile = modRm >> 3 & 7;
            Op op = op(p2 & 3, 2, opcode, tile);
            boolean configures = opcode == Op.LDTILECFG.opcode && op.prefix == Op.LDTILECFG.prefix;
            if (configures && modRm >>> 6 == 3) { // releases
                check(modRm == 0xC0 && (p2 & 0x78) == 0x78, "not tilerelease");
                configured = false;
                return;
            }
            if (configures) {
                configure(operand(modRm, ~p1 >> 6 & 1, ~p1 >> 5 & 1, 1).address);
                return;
            }
            check(configured, "tiles are not configured");
            if (op == Op.TDPBF16PS) {
                product(tile, modRm & 7, ~p2 >> 3 & 15);
                return;
            }
            check((p2 & 0x78) == 0x78, "a third operand");
            if (op == Op.TILEZERO) {
                tiles[tile] = new int[LANES][LANES];
                return;
            }
            rows(op, tile, modRm, p1);
        }

        private void configure(long address) {
            byte[] bytes = new byte[64];
            for (int i = 0; i < bytes.length; i += 4) {
                ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(i, readInt(address + i));
            }
            byte[] expected = new byte[64];
            expected[0] = 1;
            for (int i = 0; i < 8; i++) {
                expected[16 + 2 * i] = 64;
                expected[48 + i] = 16;
            }
            check(Arrays.equals(bytes, expected), "not all rows of all tiles: " + Arrays.toString(bytes));
            configured = true;
        }

        private void rows(Op op, int tile, int modRm, int p1) {
            check((modRm & 7) == Assembler.RSP && modRm >>> 6 != 3, "an address without index");
            int sib = code.get(code.position());
            long stride = general[sib >> 3 & 7 | (~p1 >> 6 & 1) << 3] << (sib >>> 6 & 3);
            long address = operand(modRm, ~p1 >> 6 & 1, ~p1 >> 5 & 1, 1).address - stride; // which is no part of it
            for (int row = 0; row < LANES; row++) {
                for (int i = 0; i < LANES; i++) {
                    long at = address + row * stride + 4L * i;
                    if (op == Op.TILELOADD) {
                        tiles[tile][row][i] = memory.get(INT, at);
                    } else {
                        memory.set(INT, at, tiles[tile][row][i]);
                    }
                }
            }
        }

        private void product(int to, int a, int b) {
            check(to != a && to != b && a != b, "a tile twice");
            for (int m = 0; m < LANES; m++) {
                for (int n = 0; n < LANES; n++) {
                    float even = 0;
                    float odd = 0;
                    for (int k = 0; k < LANES; k++) {
                        even = Math.fma(low(tiles[a][m][k]), low(tiles[b][k][n]), even);
                        odd = Math.fma(high(tiles[a][m][k]), high(tiles[b][k][n]), odd);
                    }
                    float sum = Float.intBitsToFloat(tiles[to][m][n]) + (even + odd);
                    tiles[to][m][n] = Float.floatToRawIntBits(sums.apply(sum));
                }
            }
        }

        private static float low(int pair) {
            return Float.intBitsToFloat(pair << 16);
        }

        private static float high(int pair) {
            return Float.intBitsToFloat(pair & 0xffff0000);
        }
    }
}
