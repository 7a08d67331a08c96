package dev.nibble.cpu.quant;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Reads the quants of a row as the file has them: 8 to a long, a byte each, the first in the lowest. */
@FunctionalInterface
public interface QuantReader {
    VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    long NIBBLES = 0x0f0f0f0f0f0f0f0fL;
    long LOWEST = 0x0101010101010101L;

    /**
     * Reads whole blocks.
     *
     * @param in blocks with their scales
     * @param out receives {@code columns / 8} values
     */
    void read(byte[] in, int columns, long[] out);

    static long longAt(byte[] in, int at) {
        return (long) LONG.get(in, at);
    }

    static short shortAt(byte[] in, int at) {
        return (short) SHORT.get(in, at);
    }

    /** Q4_0 and Q4_1: the low nibbles of 16 bytes, then the high ones. */
    static QuantReader q4(int blockBytes) {
        return (in, columns, out) -> q4(in, blockBytes, columns, out);
    }

    private static void q4(byte[] in, int bytes, int columns, long[] out) {
        for (int to = 0, at = bytes - 16; to < columns / 8; to += 4, at += bytes) {
            long first = longAt(in, at);
            long second = longAt(in, at + 8);
            out[to] = first & NIBBLES;
            out[to + 1] = second & NIBBLES;
            out[to + 2] = first >>> 4 & NIBBLES;
            out[to + 3] = second >>> 4 & NIBBLES;
        }
    }

    /** Q5_0 and Q5_1: 4 bytes of fifth bits, then nibbles as in Q4_0. */
    static QuantReader q5(int blockBytes) {
        return (in, columns, out) -> q5(in, blockBytes, columns, out);
    }

    private static void q5(byte[] in, int bytes, int columns, long[] out) {
        for (int to = 0, at = bytes - 20; to < columns / 8; to += 4, at += bytes) {
            long first = longAt(in, at + 4);
            long second = longAt(in, at + 12);
            out[to] = first & NIBBLES | fifths(in[at]);
            out[to + 1] = second & NIBBLES | fifths(in[at + 1]);
            out[to + 2] = first >>> 4 & NIBBLES | fifths(in[at + 2]);
            out[to + 3] = second >>> 4 & NIBBLES | fifths(in[at + 3]);
        }
    }

    /** Bit i of 8 bits as bit 4 of byte i. */
    private static long fifths(int bits) {
        // 7 bits spread by a product with copies 7 apart, in which no two meet; the eighth by itself
        return ((bits & 0x7fL) * 0x0002040810204081L & LOWEST | (bits & 0x80L) << 49) << 4;
    }

    /** Q8_0. */
    static void q8(byte[] in, int columns, long[] out) {
        for (int to = 0, at = 2; to < columns / 8; to += 4, at += 34) {
            out[to] = longAt(in, at);
            out[to + 1] = longAt(in, at + 8);
            out[to + 2] = longAt(in, at + 16);
            out[to + 3] = longAt(in, at + 24);
        }
    }

    /** Q4_K: from byte 16 on, 32 bytes for two sub-blocks of 32, the low nibbles for the first. */
    static void q4k(byte[] in, int columns, long[] out) {
        for (int i = 0; i < columns / 64; i++) {
            int at = i / 4 * 144 + 16 + i % 4 * 32;
            for (int j = 0; j < 4; j++) {
                long nibbles = longAt(in, at + 8 * j);
                out[8 * i + j] = nibbles & NIBBLES;
                out[8 * i + 4 + j] = nibbles >>> 4 & NIBBLES;
            }
        }
    }

    /** Q5_K: from byte 16 on 32 bytes with bit s for sub-block s, then nibbles as in Q4_K. */
    static void q5k(byte[] in, int columns, long[] out) {
        for (int i = 0; i < columns / 64; i++) {
            int block = i / 4 * 176;
            int at = block + 48 + i % 4 * 32;
            int bit = i % 4 * 2;
            for (int j = 0; j < 4; j++) {
                long nibbles = longAt(in, at + 8 * j);
                long fifths = longAt(in, block + 16 + 8 * j) >>> bit;
                out[8 * i + j] = nibbles & NIBBLES | (fifths & LOWEST) << 4;
                out[8 * i + 4 + j] = nibbles >>> 4 & NIBBLES | (fifths >>> 1 & LOWEST) << 4;
            }
        }
    }

    /**
     * Q6_K: 128 bytes of low nibbles, 64 of high bits. A half of 128 columns has 64 and 32 of them: low nibbles of columns
     * 0 to 63, high nibbles of 64 to 127; bits 2s and 2s + 1 of column 32s + l in byte l.
     */
    static void q6k(byte[] in, int columns, long[] out) {
        for (int i = 0; i < columns / 128; i++) {
            int block = i / 2 * 210;
            int low = block + i % 2 * 64;
            int high = block + 128 + i % 2 * 32;
            for (int j = 0; j < 4; j++) {
                long first = longAt(in, low + 8 * j);
                long second = longAt(in, low + 32 + 8 * j);
                long bits = longAt(in, high + 8 * j);
                int to = 16 * i + j;
                out[to] = first & NIBBLES | (bits & 3 * LOWEST) << 4;
                out[to + 4] = second & NIBBLES | (bits >>> 2 & 3 * LOWEST) << 4;
                out[to + 8] = first >>> 4 & NIBBLES | bits & 0x30 * LOWEST;
                out[to + 12] = second >>> 4 & NIBBLES | bits >>> 2 & 0x30 * LOWEST;
            }
        }
    }

    /** Q2_K: byte l of a half's 32, from byte 16 on, has bits 2s and 2s + 1 of column 32s + l. */
    static void q2k(byte[] in, int columns, long[] out) {
        for (int i = 0; i < columns / 128; i++) {
            int at = i / 2 * 84 + 16 + i % 2 * 32;
            for (int j = 0; j < 4; j++) {
                long bits = longAt(in, at + 8 * j);
                for (int s = 0; s < 4; s++) {
                    out[16 * i + 4 * s + j] = bits >>> 2 * s & 3 * LOWEST;
                }
            }
        }
    }

    /** Q3_K: 32 bytes with the third bits, bit s of byte l that of column 32s + l, then lower bits as in Q2_K. */
    static void q3k(byte[] in, int columns, long[] out) {
        for (int i = 0; i < columns / 128; i++) {
            int block = i / 2 * 110;
            int at = block + 32 + i % 2 * 32;
            for (int j = 0; j < 4; j++) {
                long bits = longAt(in, at + 8 * j);
                long thirds = longAt(in, block + 8 * j) >>> i % 2 * 4;
                for (int s = 0; s < 4; s++) {
                    out[16 * i + 4 * s + j] = bits >>> 2 * s & 3 * LOWEST | (thirds >>> s & LOWEST) << 2;
                }
            }
        }
    }

    /** IQ4_XS: codes as in Q4_0, 16 bytes for each block of 32, from byte 8 on. */
    static void iq4xs(byte[] in, int columns, long[] out) {
        for (int block = 0; block < columns / 32; block++) {
            int at = block / 8 * 136 + 8 + block % 8 * 16;
            long first = longAt(in, at);
            long second = longAt(in, at + 8);
            out[4 * block] = first & NIBBLES;
            out[4 * block + 1] = second & NIBBLES;
            out[4 * block + 2] = first >>> 4 & NIBBLES;
            out[4 * block + 3] = second >>> 4 & NIBBLES;
        }
    }
}
