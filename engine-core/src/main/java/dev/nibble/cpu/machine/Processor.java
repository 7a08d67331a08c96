package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Assembler.RAX;
import static dev.nibble.cpu.machine.Assembler.RBX;
import static dev.nibble.cpu.machine.Assembler.RCX;
import static dev.nibble.cpu.machine.Assembler.RDI;
import static dev.nibble.cpu.machine.Assembler.RDX;
import static dev.nibble.cpu.machine.Assembler.RSI;
import static dev.nibble.cpu.machine.Assembler.at;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What instructions the processor has and the system lets a process use, asked of both. */
final class Processor {
    // where the answers lie
    private static final int BASIC_ECX = 0;
    private static final int XCR0 = 4;
    private static final int EXTENDED_EBX = 8;
    private static final int EXTENDED_ECX = 12;
    private static final int EXTENDED_EDX = 16;
    private static final int TILE_BYTES = 20;
    private static final int TILES = 24;
    private static final int TILE_ROWS = 28;
    private static final int TILE_PRODUCTS = 32;
    private static final int ANSWERS = 36;

    // bits of the answers, Intel's manual, volume 2, CPUID
    private static final int FMA = 12;
    private static final int OSXSAVE = 27;
    private static final int F16C = 29;
    private static final int AVX2 = 5;
    private static final int AVX512F = 16;
    private static final int AVX512BW = 30;
    private static final int AVX512VL = 31;
    private static final int AVX512_VNNI = 11;
    private static final int AMX_BF16 = 22;
    private static final int AMX_TILE = 24;

    /** The system saves the vector registers of 256 bits. */
    private static final int YMM_STATE = 0b110;

    /** Those of 512 bits and the masks, too. */
    private static final int ZMM_STATE = 0b1110_0110;

    /** Tiles, too: their configuration and their data. */
    private static final int TILE_STATE = 0b11 << 17;

    // what tiles are like, as leaves 1DH and 1EH say: kernels are written for no others
    private static final int TOTAL_AND_TILE_BYTES = 1024 << 16 | 8192;
    private static final int COUNT_AND_ROW_BYTES = 8 << 16 | 64;
    private static final int MOST_ROWS = 16;
    private static final int MOST_OF_PRODUCTS = 64 << 8 | 16;

    private final MemorySegment answers;

    private Processor(MemorySegment answers) {
        this.answers = answers;
    }

    /**
     * Asks the processor.
     *
     * @throws IllegalCallerException as {@link MachineCode#load}
     * @throws UnsupportedOperationException as {@link MachineCode#load}
     */
    static Processor ask() {
        MemorySegment answers = Arena.ofAuto().allocate(ANSWERS, 16);
        MachineCode.load(questions()).call(answers.address(), 0, 0, 0, 0, 0);
        return new Processor(answers);
    }

    private static byte[] questions() {
        Assembler a = new Assembler();
        a.push(RBX);
        a.mov32(RAX, 1);
        a.cpuid();
        a.store32(at(RDI, BASIC_ECX), RCX);
        a.mov(RSI, RCX);
        a.mov32(RAX, 7);
        a.mov32(RCX, 0);
        a.cpuid();
        a.store32(at(RDI, EXTENDED_EBX), RBX);
        a.store32(at(RDI, EXTENDED_ECX), RCX);
        a.store32(at(RDI, EXTENDED_EDX), RDX);
        askOfTiles(a);
        Assembler.Label unsaved = new Assembler.Label();
        a.and32(RSI, 1 << OSXSAVE);
        a.mov32(RAX, 0);
        a.compare32(RSI, 0);
        a.jump(Assembler.Condition.EQUAL, unsaved);
        a.mov32(RCX, 0);
        a.xgetbv();
        a.place(unsaved);
        a.store32(at(RDI, XCR0), RAX);
        a.pop(RBX);
        a.ret();
        return a.toBytes();
    }

    /** Answers of no meaning where there are no tiles. */
    private static void askOfTiles(Assembler a) {
        a.mov32(RAX, 0x1D);
        a.mov32(RCX, 1);
        a.cpuid();
        a.store32(at(RDI, TILE_BYTES), RAX);
        a.store32(at(RDI, TILES), RBX);
        a.store32(at(RDI, TILE_ROWS), RCX);
        a.mov32(RAX, 0x1E);
        a.mov32(RCX, 0);
        a.cpuid();
        a.store32(at(RDI, TILE_PRODUCTS), RBX);
    }

    private int answer(int at) {
        return answers.get(ValueLayout.JAVA_INT, at);
    }

    private boolean has(int answer, int bit) {
        return (answer(answer) >>> bit & 1) == 1;
    }

    private boolean saves(int state) {
        return (answer(XCR0) & state) == state;
    }

    /** AVX2, with fused multiplication and half-precision numbers. */
    boolean hasAvx2() {
        return has(EXTENDED_EBX, AVX2) && has(BASIC_ECX, FMA) && has(BASIC_ECX, F16C) && saves(YMM_STATE);
    }

    /** AVX-512 for bytes, with products of bytes summed to ints (VNNI). */
    boolean hasAvx512Vnni() {
        return hasAvx2()
                && has(EXTENDED_EBX, AVX512F)
                && has(EXTENDED_EBX, AVX512BW)
                && has(EXTENDED_EBX, AVX512VL)
                && has(EXTENDED_ECX, AVX512_VNNI)
                && saves(ZMM_STATE);
    }

    /** Tiles of 16 rows of 64 bytes, with products of bfloat16 (AMX), beside {@link #hasAvx512Vnni}. */
    boolean hasTiles() {
        return hasAvx512Vnni()
                && has(EXTENDED_EDX, AMX_TILE)
                && has(EXTENDED_EDX, AMX_BF16)
                && saves(TILE_STATE)
                && answer(TILE_BYTES) == TOTAL_AND_TILE_BYTES
                && answer(TILES) == COUNT_AND_ROW_BYTES
                && (answer(TILE_ROWS) & 0xffff) == MOST_ROWS
                && (answer(TILE_PRODUCTS) & 0xffffff) == MOST_OF_PRODUCTS;
    }
}
