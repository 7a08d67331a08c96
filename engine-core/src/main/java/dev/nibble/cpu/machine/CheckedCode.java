package dev.nibble.cpu.machine;

import java.util.function.Supplier;

/** The kernels for a tensor type, which are compared with the scalar code before they are used. */
abstract sealed class CheckedCode permits KernelCode, HalfCode {
    private boolean isChecked;
    private volatile boolean isRejected;

    /** Checks the code once, and remembers what differs: the failure the first time, an empty text else. */
    final synchronized String check(Supplier<String> failure) {
        if (isChecked) {
            return "";
        }
        isChecked = true;
        String found = failure.get();
        isRejected = !found.isEmpty();
        return found;
    }

    /** Whether a check failed. */
    final boolean isRejected() {
        return isRejected;
    }
}
