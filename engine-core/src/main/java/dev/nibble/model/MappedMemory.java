package dev.nibble.model;

import dev.nibble.ModelFormatException;
import java.util.function.Supplier;

/**
 * Reading memory that is mapped from a file. When the file is cut short, or its disk fails, after it was mapped, the
 * JVM raises an {@link InternalError} at the access; here it becomes an exception that says what happened.
 */
public final class MappedMemory {
    private MappedMemory() {}

    /**
     * Runs {@code action}, which reads mapped memory.
     *
     * @param source the file's name, for the message
     * @throws ModelFormatException if the file no longer holds what was mapped
     */
    public static <T> T read(String source, Supplier<T> action) {
        try {
            return action.get();
        } catch (InternalError e) {
            throw translate(source, e);
        }
    }

    /**
     * The exception for a fault on mapped memory. Any other {@link InternalError} is thrown as it is.
     *
     * @param source the file's name, for the message
     */
    public static ModelFormatException translate(String source, InternalError error) {
        String message = error.getMessage();
        if (message == null || !message.contains("unsafe memory access")) {
            throw error;
        }
        return new ModelFormatException(
                source
                        + ": the file can no longer be read where it was mapped; it was truncated or replaced while in"
                        + " use, or its disk failed. Close the model and load it again",
                error);
    }
}
