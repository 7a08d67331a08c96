package dev.nibble.cpu.quant;

/**
 * Reads a block of 256 weights as levels: whole numbers of 8 bits that a scale of each 16 is multiplied with.
 */
@FunctionalInterface
public interface LevelReader {
    /** Weights of a block. */
    int BLOCK = 256;

    /**
     * Reads a block.
     *
     * @param block as the file has it
     * @param levels receives 32 times 8 levels, a byte each, the first in the lowest
     * @param scales receives 16 scales
     */
    void read(byte[] block, long[] levels, float[] scales);
}
