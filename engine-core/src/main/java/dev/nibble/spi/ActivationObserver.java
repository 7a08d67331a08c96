package dev.nibble.spi;

/** Sees intermediate results of a forward pass, so that a difference to another engine is found layer by layer. */
@FunctionalInterface
public interface ActivationObserver {

    /**
     * An operation's result.
     *
     * @param name the operation, named as in llama.cpp where it has the same one: {@code attn_norm}, {@code ffn_out}
     * @param layer the block, -1 outside the blocks
     * @param values [rows, width], valid during the call only
     * @param rows rows of the batch
     * @param width values in a row
     */
    void observe(String name, int layer, float[] values, int rows, int width);
}
