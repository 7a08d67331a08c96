package dev.nibble.model;

/** How a part of a block, or what follows the last block, reads the residual streams, and how what it returns changes them. */
public sealed interface Connection {

    /**
     * Hyper-connections (Zhu et al. 2024, arXiv 2409.19606) of n streams x_i, whose weights depend on all of them:
     * {@code m = map(x / rms(x))} of all their elements together. It reads {@code Σ pre_i x_i} with {@code pre = sigmoid(scale_0
     * m[0, n) + base) + epsilon}, and y, what it returns, makes {@code x'_d = post_d y + Σ_s C[s, d] x_s} of the streams, with
     * {@code post = magnitude · sigmoid(scale_1 m[n, 2n) + base) + postEpsilon}.
     *
     * <p>C is the unit matrix, or with rounds that of the softmax, s by s, of {@code scale_2 m[2n, 2n + n²) + base}, plus epsilon,
     * whose columns and then by turns whose rows and columns are divided by their sums and epsilon, so many times in all (Sinkhorn;
     * Xie et al. 2025, arXiv 2512.24880).
     *
     * @param streams n
     * @param map [n · hidden] to [n] where nothing is returned, else to [2n], or with rounds to [2n + n²]
     * @param base as many as the map has results
     * @param scale one for each kind of result
     * @param normEpsilon added to the mean square
     * @param epsilon see above
     * @param magnitude see above
     * @param postEpsilon see above
     * @param rounds 0 for a C that is the unit matrix
     */
    record Hyper(
            int streams,
            Projection map,
            float[] base,
            float[] scale,
            float normEpsilon,
            float epsilon,
            float magnitude,
            float postEpsilon,
            int rounds)
            implements Connection {

        public Hyper {
            int outputs = map.outputSize();
            boolean fits = scale.length == 1 && outputs == streams
                    || scale.length == 2 && outputs == 2 * streams && rounds == 0
                    || scale.length == 3 && outputs == (2 + streams) * streams && rounds > 0;
            if (streams < 1 || !fits || base.length != outputs) {
                throw new IllegalArgumentException("hyper-connections of " + streams + " streams cannot have "
                        + outputs + " weights, " + base.length + " bases, " + scale.length + " scales and " + rounds
                        + " rounds");
            }
        }
    }

    /**
     * The mean of so many streams, for what follows the last block.
     *
     * @param streams so many
     */
    record Mean(int streams) implements Connection {}

    /**
     * Attention to earlier states of the one stream p (Kimi K3): it reads {@code Σ softmax_j(weight · x_j / rms(x_j)) x_j} over the
     * states that were kept and p. What it returns is added to p; where it keeps, p is kept and what it returns takes its place.
     *
     * @param weight [hidden]
     * @param epsilon added to the mean squares
     * @param kept states that parts before keep
     * @param keeps see above
     */
    record Kept(float[] weight, float epsilon, int kept, boolean keeps) implements Connection {}
}
