package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Form.BLOCK;
import static dev.nibble.cpu.machine.Form.ROWS;
import static dev.nibble.cpu.machine.Quants.LINE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What kernels of machine code compute, in plain Java from a group in its {@link Form}: sums of products of integers, which are
 * exact, times scales, added to an output in the one order that all kernels have.
 */
final class FormReference {
    private final Form form;
    private final MemorySegment group;
    private final int columns;

    FormReference(Form form, MemorySegment group, int columns) {
        this.form = form;
        this.group = group;
        this.columns = columns;
    }

    /** An input row of 8 bits: what {@link Activations} have. */
    record Rounded(byte[] quants, float[] scales) {
        static Rounded of(float[] x, int offset, int columns) {
            byte[] quants = new byte[columns];
            float[] scales = new float[columns / BLOCK];
            for (int block = 0; block < scales.length; block++) {
                float largest = 0;
                for (int i = 0; i < BLOCK; i++) {
                    largest = Math.max(largest, Math.abs(x[offset + block * BLOCK + i]));
                }
                float scale = largest / 127;
                if (scale < Float.MIN_NORMAL) {
                    continue; // zeros
                }
                scales[block] = scale;
                float inverse = 1 / scale;
                for (int i = 0; i < BLOCK; i++) {
                    int at = block * BLOCK + i;
                    quants[at] = (byte) Math.rint(x[offset + at] * inverse);
                }
            }
            return new Rounded(quants, scales);
        }

        int sum(int from, int count) {
            int sum = 0;
            for (int i = from; i < from + count; i++) {
                sum += quants[i];
            }
            return sum;
        }
    }

    float output(int row, Rounded x) {
        int scales = form.scales().halves ? 2 : 1;
        int length = BLOCK / scales;
        float output = 0;
        for (int block = 0; block < columns / BLOCK; block++) {
            for (int scale = 0; scale < scales; scale++) {
                int first = scale * length;
                int sum = 0;
                for (int column = first; column < first + length; column++) {
                    sum += (quant(block, row, column) - form.center()) * x.quants[block * BLOCK + column];
                }
                output = Math.fma((float) sum, scale(block, row, scale) * x.scales[block], output);
                if (form.scales().minima) {
                    float total = x.sum(block * BLOCK + first, length) * x.scales[block];
                    output = Math.fma(minimum(block, row, scale), total, output);
                }
            }
        }
        return output;
    }

    private int byteAt(int at) {
        return group.get(ValueLayout.JAVA_BYTE, at) & 0xff;
    }

    private float half(int at) {
        return Float.float16ToFloat(group.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
    }

    private int quant(int block, int row, int column) {
        Quants quants = form.quants();
        int part = column / 4;
        int at = form.blockAt(block) + 4 * row + column % 4;
        int low = byteAt(at + quants.lowLine(part) * LINE) >> quants.lowShift(part) & (1 << quants.low) - 1;
        if (quants.low == 8) {
            return low;
        }
        int high = 0;
        if (quants.high > 0) {
            int line = quants.lowLines() + quants.highLine(part);
            high = byteAt(at + line * LINE) >> quants.highShift(part) & (1 << quants.high) - 1;
        }
        int quant = low | high << quants.low;
        byte[] levels = form.levels();
        return levels == null ? quant : levels[quant] & 0xff;
    }

    /** Of the super-block of a block. */
    private float superScale(int block, int row) {
        int at = form.blockAt(block / Form.SUPER_BLOCKS * Form.SUPER_BLOCKS) - form.scales().superBytes;
        return form.scales().hasFloats()
                ? group.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at + 4 * row)
                : half(at + 2 * row);
    }

    private float superMinimum(int block, int row) {
        int at = form.blockAt(block / Form.SUPER_BLOCKS * Form.SUPER_BLOCKS) - form.scales().superBytes;
        return -half(at + 2 * ROWS + 2 * row);
    }

    private float scale(int block, int row, int scale) {
        int at = form.blockAt(block) + form.quants().bytes();
        int ofByte = at + scale * ROWS + row;
        return switch (form.scales()) {
            case HALF, HALF_AND_MINIMUM, HALVES -> half(at + scale * 2 * ROWS + 2 * row);
            case POWER -> Float.intBitsToFloat(byteAt(ofByte) << 23);
            case BYTE, BYTE_AND_MINIMUM, BYTES, BYTE_OF_FLOAT, BYTES_OF_FLOAT ->
                (byte) byteAt(ofByte) * superScale(block, row);
            case NIBBLES_AND_MINIMA -> (byteAt(ofByte) & 15) * superScale(block, row);
        };
    }

    private float minimum(int block, int row, int scale) {
        int at = form.blockAt(block) + form.quants().bytes();
        return switch (form.scales()) {
            case HALF_AND_MINIMUM -> half(at + 2 * ROWS + 2 * row);
            case BYTE_AND_MINIMUM -> byteAt(at + ROWS + row) * superMinimum(block, row);
            case NIBBLES_AND_MINIMA -> (byteAt(at + scale * ROWS + row) >> 4) * superMinimum(block, row);
            default -> throw new IllegalArgumentException(form.dtype() + " has no minima");
        };
    }
}
