package dev.nibble.cpu.kernel;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.tensor.Tensor;
import java.util.Collection;

/** Kernels written for one kind of hardware access: scalar Java, the Vector API, machine code. One is chosen, once. */
public interface KernelFamily {

    /** The name for the system property {@code nibble.kernels}. */
    String name();

    /** One line: name, vector width. */
    String description();

    /** The operations on vectors of activations. */
    VectorOps ops();

    /** What is left of this family where only {@code kernels} of it run: what serves none of them is not. */
    default KernelFamily used(Collection<MatmulKernel> kernels) {
        return this;
    }

    /** Names how rearranged copies are laid out, to be told from those of other families. Empty where none are made. */
    default String copyLayout() {
        return "";
    }

    /**
     * The kernel for a weight matrix: its rows are the outputs, all dimensions but the first taken together.
     *
     * @param memory holds the rearranged copy of the weights, if the kernel makes one
     * @param pool rearranges them
     * @throws IllegalArgumentException if the matrix has 2^31 or more rows or columns, or a type without a format
     */
    MatmulKernel kernel(Tensor weight, LoadOptions options, RepackMemory memory, WorkerPool pool);
}
