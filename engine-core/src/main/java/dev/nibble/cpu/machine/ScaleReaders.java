package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Form.BLOCK;
import static dev.nibble.cpu.machine.Form.ROWS;
import static dev.nibble.cpu.machine.Form.SUPER_BLOCK;
import static dev.nibble.cpu.machine.Form.SUPER_BLOCKS;

import dev.nibble.cpu.quant.NVFP4;
import dev.nibble.cpu.quant.QuantReader;

/** Puts the scales of a row where {@link Scales} have them. The layouts in the file are in the classes of {@code cpu.quant}. */
final class ScaleReaders {
    private ScaleReaders() {}

    /** One or two halves before each block. */
    static void halves(Form form, byte[] in, int columns, int row, byte[] out) {
        int stride = form.dtype().blockBytes();
        for (int block = 0; block < columns / BLOCK; block++) {
            int from = block * stride;
            int to = form.scalesAt(block);
            copyHalf(in, from, out, to, row);
            if (form.scales().minima) {
                copyHalf(in, from + 2, out, to + 2 * ROWS, row);
            }
        }
    }

    /**
     * MXFP4: an exponent before each block. Levels are doubled, so it is one less; powers that floats have only as
     * subnormal numbers, below 2^-126, become 0.
     */
    static void powers(Form form, byte[] in, int columns, int row, byte[] out) {
        for (int block = 0; block < columns / BLOCK; block++) {
            int exponent = in[block * 17] & 0xff;
            out[form.scalesAt(block) + row] = (byte) Math.max(0, exponent - 1);
        }
    }

    /**
     * NVFP4: four 8-bit floats without a sign (UE4M3) before each 64 columns, which halves can hold. Levels are doubled, so
     * they are halved here; 0x7F is NaN and counts as 0, the top bit has no meaning, as in ggml.
     */
    static void nvfp4(Form form, byte[] in, int columns, int row, byte[] out) {
        for (int i = 0; i < columns / 16; i++) {
            float scale = NVFP4.halfScale(in[i / 4 * 36 + i % 4]);
            putHalf(Float.floatToFloat16(scale), out, form.scalesAt(i / 2) + i % 2 * 2 * ROWS, row);
        }
    }

    /** Q1_0 and Q2_0: a half before each 128 or 64 columns. */
    static void sharedHalves(Form form, byte[] in, int columns, int row, byte[] out) {
        int blocks = form.dtype().blockSize() / BLOCK;
        for (int block = 0; block < columns / BLOCK; block++) {
            copyHalf(in, block / blocks * form.dtype().blockBytes(), out, form.scalesAt(block), row);
        }
    }

    /** Q2_K: 16 bytes first, d and dmin last. */
    static void q2k(Form form, byte[] in, int columns, int row, byte[] out) {
        for (int i = 0; i < columns / SUPER_BLOCK; i++) {
            int from = i * 84;
            copySuper(form, in, from + 80, out, i, row);
            copyPairs(form, in, from, out, i, row);
        }
    }

    /** Q3_K: 6 bits each from byte 96 on, less 32: low nibbles in 8 bytes, high bits in 4. */
    static void q3k(Form form, byte[] in, int columns, int row, byte[] out) {
        for (int i = 0; i < columns / SUPER_BLOCK; i++) {
            int from = i * 110;
            copySuper(form, in, from + 108, out, i, row);
            for (int s = 0; s < 2 * SUPER_BLOCKS; s++) {
                int low = in[from + 96 + s % 8] >> s / 8 * 4 & 0xf;
                int high = in[from + 104 + s % 4] >> s / 4 * 2 & 3;
                int to = form.scalesAt(i * SUPER_BLOCKS + s / 2) + s % 2 * ROWS;
                out[to + row] = (byte) ((low | high << 4) - 32);
            }
        }
    }

    /** Q4_K and Q5_K: d and dmin, then 12 bytes of scales and minima of 6 bits. */
    static void q45k(Form form, byte[] in, int columns, int row, byte[] out) {
        int stride = form.dtype().blockBytes();
        for (int i = 0; i < columns / SUPER_BLOCK; i++) {
            int from = i * stride;
            copySuper(form, in, from, out, i, row);
            for (int s = 0; s < SUPER_BLOCKS; s++) {
                int scale;
                int minimum;
                int at = from + 4 + s;
                if (s < 4) {
                    scale = in[at] & 63;
                    minimum = in[at + 4] & 63;
                } else {
                    scale = in[at + 4] & 0xf | (in[at - 4] & 0xc0) >> 2;
                    minimum = (in[at + 4] & 0xf0) >> 4 | (in[at] & 0xc0) >> 2;
                }
                int to = form.scalesAt(i * SUPER_BLOCKS + s);
                out[to + row] = (byte) scale;
                out[to + ROWS + row] = (byte) minimum;
            }
        }
    }

    /** Q6_K: 16 signed bytes from byte 192 on, then d. */
    static void q6k(Form form, byte[] in, int columns, int row, byte[] out) {
        for (int i = 0; i < columns / SUPER_BLOCK; i++) {
            int from = i * 210;
            copySuper(form, in, from + 208, out, i, row);
            copyPairs(form, in, from + 192, out, i, row);
        }
    }

    /** IQ4_XS: d, then 6 bits each, less 32: high bits in a short, low nibbles in 4 bytes. */
    static void iq4xs(Form form, byte[] in, int columns, int row, byte[] out) {
        for (int i = 0; i < columns / SUPER_BLOCK; i++) {
            int from = i * 136;
            copySuper(form, in, from, out, i, row);
            int high = in[from + 2] & 0xff | (in[from + 3] & 0xff) << 8;
            for (int s = 0; s < SUPER_BLOCKS; s++) {
                int low = in[from + 4 + s / 2] >> s % 2 * 4 & 0xf;
                out[form.scalesAt(i * SUPER_BLOCKS + s) + row] = (byte) ((low | (high >> 2 * s & 3) << 4) - 32);
            }
        }
    }

    /** A byte for each 16 columns. */
    private static void copyPairs(Form form, byte[] in, int from, byte[] out, int superBlock, int row) {
        for (int s = 0; s < 2 * SUPER_BLOCKS; s++) {
            int to = form.scalesAt(superBlock * SUPER_BLOCKS + s / 2) + s % 2 * ROWS;
            out[to + row] = in[from + s];
        }
    }

    /** The halves of a super-block: d, and dmin if there are minima. */
    private static void copySuper(Form form, byte[] in, int from, byte[] out, int superBlock, int row) {
        int to = form.superAt(superBlock);
        copyHalf(in, from, out, to, row);
        if (form.scales().minima) {
            copyHalf(in, from + 2, out, to + 2 * ROWS, row);
        }
    }

    private static void copyHalf(byte[] in, int from, byte[] out, int to, int row) {
        putHalf(QuantReader.shortAt(in, from), out, to, row);
    }

    private static void putHalf(short half, byte[] out, int to, int row) {
        QuantReader.SHORT.set(out, to + 2 * row, half);
    }
}
