package dev.nibble.model;

/**
 * Lightning attention (Qin et al. 2024, arXiv 2405.17381), linear attention whose state fades at a fixed rate.
 *
 * <p>{@code q, k, v = silu(qkv(h))}. Per head with the state S [headDim, headDim]: {@code S ← e^-rate S + k ⊗ v; o = Sᵀq}. The
 * output is {@code output(norm(o) · sigmoid(gate(h)))}.
 *
 * @param headCount heads
 * @param headDim elements of a head
 * @param qkv [hidden] to [3 · headCount · headDim]: q, k and v of each head in turn
 * @param rates [headCount], above 0
 * @param norm over all heads together
 * @param gate [hidden] to [headCount · headDim]
 * @param output [headCount · headDim] to [hidden]
 */
public record LightningConfig(
        int headCount, int headDim, Projection qkv, float[] rates, Norm norm, Projection gate, Projection output)
        implements Mixer {

    public LightningConfig {
        if (rates.length != headCount) {
            throw new IllegalArgumentException(headCount + " heads need as many rates, not " + rates.length);
        }
    }
}
