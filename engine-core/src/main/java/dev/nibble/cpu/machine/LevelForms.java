package dev.nibble.cpu.machine;

import dev.nibble.cpu.machine.Form.ScaleReader;
import dev.nibble.cpu.quant.Fp4;
import dev.nibble.cpu.quant.Iq4Levels;
import dev.nibble.cpu.quant.LevelReader;
import dev.nibble.cpu.quant.LevelReaders;
import dev.nibble.cpu.quant.QuantReader;
import dev.nibble.tensor.DType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Forms of types whose quants stand for one of a few levels. Those that look groups of weights up in a grid get a code for
 * each weight, of 3 or 4 bits: more than in the file, but read as fast as memory gives it.
 */
final class LevelForms {
    private static final VarHandle FLOAT = MethodHandles.byteArrayViewVarHandle(float[].class, ByteOrder.LITTLE_ENDIAN);

    private static final int[] IQ4 =
            IntStream.range(0, 16).map(Iq4Levels::level).toArray();
    private static final int[] FP4 = IntStream.range(0, 16).map(Fp4::doubled).toArray();

    private LevelForms() {}

    static @Nullable Form of(DType dtype) {
        return switch (dtype) {
            case IQ4_NL -> four(dtype, IQ4, 128, Scales.HALF, Source.halves(1, 2), null, ScaleReaders::halves);
            case IQ4_XS -> four(dtype, IQ4, 128, Scales.BYTE, Source.halves(8, 8), null, ScaleReaders::iq4xs);
            case MXFP4 -> four(dtype, FP4, 16, Scales.POWER, Source.halves(1, 1), null, ScaleReaders::powers);
            case NVFP4 -> four(dtype, FP4, 16, Scales.HALVES, null, LevelForms::nvfp4, ScaleReaders::nvfp4);
            case IQ3_S -> grid(dtype, Quants.FOUR, 16, Scales.BYTE_OF_FLOAT, 1, 3, 5, 7, 9, 11, 13, 15);
            case IQ3_XXS -> grid(dtype, Quants.FOUR, 64, Scales.BYTE_OF_FLOAT, 4, 12, 20, 28, 36, 44, 52, 62);
            case IQ2_XXS -> grid(dtype, Quants.THREE, 64, Scales.BYTE_OF_FLOAT, 8, 25, 43);
            case IQ2_XS, IQ2_S -> grid(dtype, Quants.THREE, 64, Scales.BYTES_OF_FLOAT, 8, 25, 43);
            // in eighths: -1, 0 and 1, an eighth more or less
            case IQ1_S -> grid(dtype, Quants.THREE, 16, Scales.BYTE_OF_FLOAT, 1, 7, 9);
            case IQ1_M -> grid(dtype, Quants.THREE, 16, Scales.BYTES_OF_FLOAT, 1, 7, 9);
            case TQ1_0, TQ2_0 -> {
                Grid grid = new Grid(dtype, false, -1, 0, 1, 2); // the last where a file has 3 for a trit
                yield new Form(dtype, Quants.TWO, 1, null, Scales.BYTE_OF_FLOAT, null, grid::quants, grid::scales);
            }
            case Q1_0 -> pairs(dtype, LevelForms::q1);
            case Q2_0 -> pairs(dtype, LevelForms::q2);
            default -> null;
        };
    }

    private static Form four(
            DType dtype,
            int[] levels,
            int center,
            Scales scales,
            @Nullable Source source,
            @Nullable QuantReader quantReader,
            ScaleReader scaleReader) {
        byte[] centered = centered(levels, center);
        return new Form(dtype, Quants.FOUR, center, centered, scales, source, quantReader, scaleReader);
    }

    /** Two bits for -1, 0 and 1. */
    private static Form pairs(DType dtype, QuantReader reader) {
        return new Form(dtype, Quants.TWO, 1, null, Scales.HALF, null, reader, ScaleReaders::sharedHalves);
    }

    private static Form grid(DType dtype, Quants quants, int center, Scales scales, int... magnitudes) {
        int[] levels = IntStream.concat(
                        IntStream.of(magnitudes), IntStream.of(magnitudes).map(m -> -m))
                .toArray();
        Grid grid = new Grid(dtype, scales.halves, levels);
        return new Form(dtype, quants, center, centered(levels, center), scales, null, grid::quants, grid::scales);
    }

    private static byte[] centered(int[] levels, int center) {
        byte[] centered = new byte[16];
        for (int i = 0; i < levels.length; i++) {
            centered[i] = (byte) (levels[i] + center);
        }
        return centered;
    }

    /** NVFP4: 8 bytes for 16 columns, the first half of them in the low nibbles. */
    private static void nvfp4(byte[] in, int columns, long[] out) {
        for (int i = 0; i < columns / 16; i++) {
            long nibbles = QuantReader.longAt(in, i / 4 * 36 + 4 + i % 4 * 8);
            out[2 * i] = nibbles & QuantReader.NIBBLES;
            out[2 * i + 1] = nibbles >>> 4 & QuantReader.NIBBLES;
        }
    }

    /** Q1_0: a bit for each column, 0 for -1, 1 for 1. */
    private static void q1(byte[] in, int columns, long[] out) {
        for (int i = 0; i < columns / 8; i++) {
            int bits = in[i / 16 * 18 + 2 + i % 16];
            long value = 0;
            for (int j = 0; j < 8; j++) {
                value |= (bits >> j & 1L) << 8 * j + 1;
            }
            out[i] = value;
        }
    }

    /** Q2_0: two bits for each column. */
    private static void q2(byte[] in, int columns, long[] out) {
        for (int i = 0; i < columns / 8; i++) {
            int bits = QuantReader.shortAt(in, i / 8 * 18 + 2 + i % 8 * 2);
            long value = 0;
            for (int j = 0; j < 8; j++) {
                value |= (bits >> 2 * j & 3L) << 8 * j;
            }
            out[i] = value;
        }
    }

    /** A block of a row while it is read; made once a row. */
    private static final class Block {
        private final byte[] bytes = new byte[128];
        private final long[] levels = new long[LevelReader.BLOCK / 8];
        private final float[] scales = new float[32];
    }

    /** Reads levels, and writes their places among those of the type. */
    private static final class Grid {
        private final DType dtype;
        private final LevelReader reader;

        /** Scales of a block. */
        private final int perBlock;

        private final byte[] codes = new byte[256];

        Grid(DType dtype, boolean halves, int... levels) {
            this.dtype = dtype;
            reader = Objects.requireNonNull(LevelReaders.of(dtype));
            perBlock = halves ? 2 : 1;
            for (int i = 0; i < levels.length; i++) {
                codes[levels[i] & 0xff] = (byte) i;
            }
        }

        /** Reads a block of the file. */
        private void read(byte[] in, int index, Block block) {
            System.arraycopy(in, index * dtype.blockBytes(), block.bytes, 0, dtype.blockBytes());
            reader.read(block.bytes, block.levels, block.scales);
        }

        void quants(byte[] in, int columns, long[] out) {
            Block block = new Block();
            long[] levels = block.levels;
            for (int i = 0; i < columns / LevelReader.BLOCK; i++) {
                read(in, i, block);
                for (int j = 0; j < levels.length; j++) {
                    out[i * levels.length + j] = codesOf(levels[j]);
                }
            }
        }

        void scales(Form form, byte[] in, int columns, int row, byte[] out) {
            Block block = new Block();
            for (int i = 0; i < columns / LevelReader.BLOCK; i++) {
                read(in, i, block);
                float unit = LevelReaders.unit(dtype, block.bytes);
                FLOAT.set(out, form.superAt(i) + Float.BYTES * row, unit);
                for (int s = 0; s < Form.SUPER_BLOCKS * perBlock; s++) {
                    int at = form.scalesAt(i * Form.SUPER_BLOCKS + s / perBlock) + s % perBlock * Form.ROWS;
                    // exact, as one is a multiple of the other; a unit that is 0 or no number is what counts then
                    float multiple = block.scales[s * 2 / perBlock] / unit;
                    out[at + row] = Float.isNaN(multiple) ? 1 : (byte) multiple;
                }
            }
        }

        private long codesOf(long levels) {
            long result = 0;
            for (int j = 0; j < 8; j++) {
                result |= (long) codes[(int) (levels >>> 8 * j) & 0xff] << 8 * j;
            }
            return result;
        }
    }
}
