package dev.nibble.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The time mix of RWKV 6 (Peng et al. 2024, arXiv 2404.05892), and of the models that have it in place of attention.
 *
 * <p>With the position before's input p and {@code s = p - h}: {@code u = tanh(mix(h + s · mixShare))} in five parts, and
 * for each of w, k, v, r, g: {@code x = h + s · (mixUp(u) + share)}. The decay is
 * {@code w = exp(-exp(decay + decayUp(tanh(decayLow(x_w)))))}; r, k, v, g are maps of their x. Per head with the state
 * S [headDim, headDim]: {@code o = r (S + first · k ⊗ v); S ← diag(w) S + k ⊗ v}, then a norm and {@code · silu(g)}.
 * Without {@code first} it is gated linear attention: {@code k ← k (1 - w)}, the state is moved on before it is read,
 * {@code o = r S / √headDim}, and the gate is a sigmoid.
 *
 * @param headCount heads
 * @param kvHeadCount heads of k and v, a divisor of {@code headCount}
 * @param headDim elements of a head
 * @param mixShare [hidden]
 * @param mix [hidden] to [5 · rank]
 * @param mixUp five maps [rank] to [hidden]: of w, k, v, r, g
 * @param shares [5, hidden] in the same order
 * @param decay [hidden]
 * @param decayLow [hidden] to a low rank
 * @param decayUp from there to [hidden]
 * @param key [hidden] to [kvHeadCount · headDim]
 * @param value likewise
 * @param receptance [hidden] to [headCount · headDim]
 * @param gate likewise
 * @param first [headCount · headDim], or null
 * @param norm over each head, one of its groups; null for none
 * @param output [headCount · headDim] to [hidden]
 */
public record Rwkv6Config(
        int headCount,
        int kvHeadCount,
        int headDim,
        float[] mixShare,
        Projection mix,
        List<Projection> mixUp,
        float[] shares,
        float[] decay,
        Projection decayLow,
        Projection decayUp,
        Projection key,
        Projection value,
        Projection receptance,
        Projection gate,
        float @Nullable [] first,
        @Nullable Norm norm,
        Projection output)
        implements Mixer {

    public Rwkv6Config {
        mixUp = List.copyOf(mixUp);
    }
}
