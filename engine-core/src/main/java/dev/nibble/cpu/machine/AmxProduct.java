package dev.nibble.cpu.machine;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.pool.WorkerPool;
import java.lang.foreign.MemorySegment;
import java.util.function.IntToLongFunction;

/**
 * How many inputs are multiplied by a matrix with tiles: two groups of its rows at a time, of which some columns are unpacked and
 * all inputs pass them, then further columns. An output is the same to the last bit however many inputs there are, but not the
 * one that kernels for few inputs make: these round inputs to 8 bits and weights not at all.
 */
final class AmxProduct {
    /** Inputs from which on unpacking pays. */
    static final int LEAST_INPUTS = 8;

    /** Inputs that pass unpacked weights: what stays in a second-level cache of 2 MiB beside those. */
    static final int MOST_INPUTS = 256;

    /** Numbers of inputs up to this one call all loops of the code: over pairs of tiles, with one left, with rows that are lacking. */
    static final int MOST_TO_CHECK = 3 * AmxEmitter.TILE_ROWS + 1;

    private static final int MOST_COLUMNS = 1024;

    private final AmxCode code;
    private final int columns;
    private final int step;
    private final IntToLongFunction columnAt;

    /**
     * @param columnAt bytes from the beginning of a group to a column of it, a multiple of 256
     */
    AmxProduct(AmxCode code, int columns, IntToLongFunction columnAt) {
        this.code = code;
        this.columns = columns;
        this.columnAt = columnAt;
        // at least twice if it can be, so that a check of few columns is one of all code
        int half = columns / 2 / Form.SUPER_BLOCK * Form.SUPER_BLOCK;
        step = Math.clamp(half, Form.SUPER_BLOCK, MOST_COLUMNS);
    }

    /** Whether an input, or a part of it, with so many rows is multiplied with tiles. */
    static boolean takes(int rows) {
        return rows >= LEAST_INPUTS;
    }

    static void prepare(MatmulInput x, WorkerPool pool) {
        InputMemory.prepare(x, AmxRows.class, AmxRows::new, pool);
    }

    /** Inputs whose outputs are written, if so many are multiplied. */
    static int paddedInputs(int inputs) {
        return Math.ceilDiv(inputs, AmxEmitter.TILE_ROWS) * AmxEmitter.TILE_ROWS;
    }

    /**
     * Writes the outputs of one or two groups, [{@link #paddedInputs}, 2, 16] floats.
     *
     * @param first address of the first group
     */
    void multiply(
            InputMemory x,
            int xRow,
            int xRows,
            long first,
            long groupBytes,
            int groups,
            MemorySegment results,
            Scratch scratch) {
        int most = Math.min(step, columns);
        long tiles = scratch.nativeTiles((long) most / Form.BLOCK * AmxEmitter.BLOCK_BYTES)
                .address();
        for (int row = 0; row < xRows; row += MOST_INPUTS) {
            int inputTiles = Math.ceilDiv(Math.min(MOST_INPUTS, xRows - row), AmxEmitter.TILE_ROWS);
            long to = results.address() + row * (long) AmxEmitter.RESULT_BYTES;
            for (int column = 0; column < columns; column += step) {
                int blocks = Math.min(step, columns - column) / Form.BLOCK;
                for (int group = 0; group < groups; group++) {
                    long from = first + group * groupBytes + columnAt.applyAsLong(column);
                    code.unpack().call(from, tiles + group * (long) AmxEmitter.TILE_BYTES, blocks, 0, 0, 0);
                }
                long input = x.address(xRow + row) + column * (long) Short.BYTES;
                code.multiply(column == 0).call(tiles, input, x.stride(), blocks, to, inputTiles);
            }
        }
    }
}
