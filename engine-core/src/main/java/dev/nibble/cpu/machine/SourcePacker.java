package dev.nibble.cpu.machine;

import static dev.nibble.cpu.machine.Quants.LINE;
import static dev.nibble.cpu.machine.Quants.PARTS;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.stream.IntStream;

/** Puts the quants of a row where their {@link Form} has them, from a {@link Source}: what {@link PackingEmitter}'s code does. */
final class SourcePacker {
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private static final int ONE_IN_BYTES = 0x01010101;

    private final Form form;
    private final int blocks;
    private final int lines;
    private final int flip;

    // Of the blocks in a block of the file, their lines, and the parts of these: where a part's int is, by how many
    // bits it is to
    // be turned left, and which of its bits are the part's then.
    private final int[][] offsets;
    private final int[][] turns;
    private final int[][] masks;

    SourcePacker(Form form, Source source) {
        this.form = form;
        blocks = source.blocks();
        lines = form.quants().lines();
        flip = source.flip() * ONE_IN_BYTES;
        offsets = new int[blocks * lines][];
        turns = new int[blocks * lines][];
        masks = new int[blocks * lines][];
        for (int block = 0; block < blocks; block++) {
            for (int line = 0; line < lines; line++) {
                prepare(source, block, line);
            }
        }
    }

    private void prepare(Source source, int block, int line) {
        Quants quants = form.quants();
        boolean isLow = line < quants.lowLines();
        int[] parts = IntStream.range(0, PARTS)
                .filter(part -> line == (isLow ? quants.lowLine(part) : quants.lowLines() + quants.highLine(part)))
                .toArray();
        int at = block * lines + line;
        offsets[at] = new int[parts.length];
        turns[at] = new int[parts.length];
        masks[at] = new int[parts.length];
        for (int i = 0; i < parts.length; i++) {
            int bit = (isLow ? source.low() : source.high()).bit(block, parts[i]);
            int to = isLow ? quants.lowShift(parts[i]) : quants.highShift(parts[i]);
            offsets[at][i] = bit / Byte.SIZE;
            turns[at][i] = to - bit % Byte.SIZE;
            masks[at][i] = ((1 << (isLow ? quants.low : quants.high)) - 1 << to & 0xff) * ONE_IN_BYTES;
        }
    }

    /**
     * Packs the quants of a row.
     *
     * @param in whole blocks of the file
     * @param row of the group
     * @param out the quants of all rows of the group, in the order of the form with no scales between
     */
    void pack(byte[] in, int columns, int row, byte[] out) {
        int blockBytes = form.dtype().blockBytes();
        int fileBlocks = columns / (blocks * Form.BLOCK);
        int to = row * Integer.BYTES;
        for (int fileBlock = 0; fileBlock < fileBlocks; fileBlock++) {
            int from = fileBlock * blockBytes;
            for (int line = 0; line < offsets.length; line++) {
                INT.set(out, to, line(in, from, line) ^ flip);
                to += LINE;
            }
        }
    }

    private int line(byte[] in, int from, int line) {
        int[] places = offsets[line];
        int[] left = turns[line];
        int[] mask = masks[line];
        int value = 0;
        for (int i = 0; i < places.length; i++) {
            // bits that come round from the other end of the int are none of the mask's
            value |= Integer.rotateLeft((int) INT.get(in, from + places[i]), left[i]) & mask[i];
        }
        return value;
    }
}
