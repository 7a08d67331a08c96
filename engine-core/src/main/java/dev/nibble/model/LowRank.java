package dev.nibble.model;

import dev.nibble.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What an adapter adds to a weight (LoRA, Hu et al. 2021, arXiv 2106.09685): {@code W x} becomes
 * {@code W x + scale · factor · B (A x)}, with the scale that a session gives the adapter.
 *
 * @param base the weight W, of shape [in, out] or [in, out, experts]
 * @param a the matrix A, [in, rank] or [in, rank, experts]
 * @param b the matrix B, [rank, out] or [rank, out, experts]
 * @param factor alpha / rank, or 1
 */
public record LowRank(Tensor base, Tensor a, Tensor b, float factor) {

    /** The rank, what lies between the two matrices. */
    public int rank() {
        return Math.toIntExact(b.columns());
    }

    /** What is added to some rows of the weight, or null if {@code weight} is no view of the base weight within one expert. */
    public @Nullable LowRank of(Tensor weight) {
        long offset = weight.data().address() - base.data().address();
        if (weight.columns() != base.columns()
                || weight.dtype() != base.dtype()
                || offset < 0
                || offset % base.rowBytes() != 0
                || offset / base.rowBytes() > base.rows() - weight.rows()) {
            return null;
        }
        long first = offset / base.rowBytes();
        long outputs = base.shape().dim(1);
        long expert = first / outputs;
        if (first + weight.rows() > (expert + 1) * outputs) {
            return null;
        }
        long rank = a.shape().dim(1);
        Tensor ownA = a.rows() == rank ? a : a.rowRange(expert * rank, rank);
        return new LowRank(weight, ownA, b.rowRange(first, weight.rows()), factor);
    }
}
