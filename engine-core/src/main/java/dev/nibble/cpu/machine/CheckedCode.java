package dev.nibble.cpu.machine;

import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The kernels for a tensor type, which are compared with the scalar code before they are used. Thread-safe. */
abstract sealed class CheckedCode permits AmxCode, KernelCode, HalfCode {
    private @Nullable Boolean right; // null until a check has ended

    /**
     * Whether the kernels are right. The first caller checks them; others wait for its verdict, which holds for all. A check that
     * throws gives none, and is made again.
     *
     * @param check says what differs; an empty text if nothing does
     * @param rejected told what differs, once
     */
    final synchronized boolean isRight(Supplier<String> check, Consumer<String> rejected) {
        if (right == null) {
            String difference = check.get();
            right = difference.isEmpty();
            if (!difference.isEmpty()) {
                rejected.accept(difference);
            }
        }
        return right;
    }
}
