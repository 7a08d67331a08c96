package dev.nibble.cpu.kernel;

/**
 * What one adapter adds to the product of a layer: {@code factor · B (A x)}, times the scale of a row. Immutable.
 *
 * @param adapter its index among those of the model
 * @param a from the layer's inputs to the rank
 * @param b from the rank to the layer's outputs
 */
record LowRankProduct(int adapter, MatmulKernel a, MatmulKernel b, float factor) {
    static final LowRankProduct[] NONE = {};
}
