package dev.nibble.memory;

import dev.nibble.OutOfMemoryException;
import dev.nibble.OutOfMemoryException.Remedy;
import java.util.List;

/** Tells an allocation that failed as what it was: the Java heap and memory outside it have different limits. */
public final class MemoryFailure {
    /** What the JVM says where its heap, or what an array may hold of it, is the limit. */
    private static final List<String> HEAP =
            List.of("Java heap space", "GC overhead limit exceeded", "Requested array size exceeds VM limit");

    private MemoryFailure() {}

    /**
     * What a failed allocation is told as.
     *
     * @param outside what was to be outside the heap, as {@code a KV cache of 3 tokens}, and its size
     * @param inside what was to be in the heap, as {@code buffers for 3 tokens}, and its size
     */
    public static OutOfMemoryException of(
            OutOfMemoryError error, String outside, long outsideBytes, String inside, long insideBytes) {
        return isOfHeap(error)
                ? heap(error, inside, insideBytes)
                : new OutOfMemoryException(
                        outside + " needs up to " + ByteCount.text(outsideBytes) + " and could not be allocated ("
                                + error.getMessage() + ")",
                        // what this library refused itself is no matter of the JVM's limits
                        error instanceof NativeMemory.Exhausted
                                ? List.of(Remedy.MORE_MEMORY)
                                : List.of(Remedy.MORE_DIRECT_MEMORY),
                        error);
    }

    /** What an allocation that failed while {@code file} was loaded is told as. */
    public static OutOfMemoryException ofLoading(OutOfMemoryError error, Object file) {
        return isOfHeap(error)
                ? heap(error, file + ": its tokenizer and buffers", 0)
                : new OutOfMemoryException(
                        file + ": there is not enough memory to load this model (" + error.getMessage() + ")",
                        error instanceof NativeMemory.Exhausted
                                ? List.of(Remedy.NO_COPIES, Remedy.MORE_MEMORY)
                                : List.of(Remedy.NO_COPIES, Remedy.MORE_DIRECT_MEMORY),
                        error);
    }

    /** Whether the Java heap is full, and not memory outside it. */
    private static boolean isOfHeap(OutOfMemoryError error) {
        String message = String.valueOf(error.getMessage());
        return HEAP.stream().anyMatch(message::startsWith);
    }

    /** {@code bytes} is 0 if unknown. */
    private static OutOfMemoryException heap(OutOfMemoryError error, String what, long bytes) {
        Runtime runtime = Runtime.getRuntime();
        return new OutOfMemoryException(
                "the Java heap is full: " + what + " need " + (bytes == 0 ? "more" : "up to " + ByteCount.text(bytes))
                        + " of it, and " + ByteCount.text(runtime.totalMemory() - runtime.freeMemory()) + " of the "
                        + ByteCount.text(runtime.maxMemory()) + " it may have are taken (" + error.getMessage() + ")",
                List.of(Remedy.LARGER_HEAP),
                error);
    }
}
