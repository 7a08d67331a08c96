package dev.nibble.tornado;

import dev.nibble.tensor.DType;
import dev.nibble.tornado.kernels.AttentionKernels;
import dev.nibble.tornado.kernels.RowKernels;
import dev.nibble.tornado.kernels.Weights;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** The checks of all kernels that a model uses; a device has to pass them before anything it says is believed. */
final class KernelChecks {
    /** Types that stay on the device as they are in the file. */
    static final List<DType> TYPES =
            List.of(DType.F32, DType.F16, DType.Q4_0, DType.Q4_1, DType.Q8_0, DType.Q4_K, DType.Q6_K);

    static final List<Integer> ACTIVATIONS = List.of(RowKernels.SILU, RowKernels.GELU_TANH, RowKernels.RELU_SQUARED);

    private KernelChecks() {}

    /** The checks for these weight types and activations; the attention and norm kernels are always among them. */
    static List<KernelCheck> of(Collection<DType> types, Collection<Integer> activations) {
        List<KernelCheck> checks = new ArrayList<>();
        for (DType type : types) {
            checks.addAll(new MatrixChecks(type, Weights.code(type)).all());
        }
        for (int activation : activations) {
            checks.add(RowChecks.gate(activation));
            checks.add(RowChecks.activate(activation));
        }
        checks.add(RowChecks.normalize(RowKernels.REPLACE));
        checks.add(RowChecks.normalize(RowKernels.ADD));
        checks.add(RowChecks.copy());
        checks.add(ChoiceChecks.best());
        for (int flags : new int[] {
            0,
            AttentionKernels.HALVES,
            AttentionKernels.HALVES | AttentionKernels.WIDE_QUERY_NORM | AttentionKernels.WIDE_KEY_NORM
        }) {
            checks.addAll(AttentionChecks.prepare(flags));
        }
        checks.add(AttentionChecks.attend(0, 0));
        checks.add(AttentionChecks.attend(5, 0));
        checks.add(AttentionChecks.attend(0, 2));
        return checks;
    }

    /**
     * Runs checks on a device.
     *
     * @throws IllegalStateException naming the device and the kernel that differs
     */
    static void run(Device device, List<KernelCheck> checks) {
        try (Device.Program program = device.prepare(
                List.of(), List.of(), checks.stream().map(KernelCheck::graph).toList(), List.of())) {
            for (KernelCheck check : checks) {
                program.run(check.graph());
                String failure = check.failure();
                if (!failure.isEmpty()) {
                    throw new IllegalStateException(
                            device.description() + " computes wrong results and is not used: " + failure);
                }
            }
        }
    }
}
