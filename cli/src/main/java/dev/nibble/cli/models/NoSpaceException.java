package dev.nibble.cli.models;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** A disk that has no room for a model: the message says which folder, and what is needed and free as far as known. */
public class NoSpaceException extends IOException {
    private static final long serialVersionUID = 1L;

    private NoSpaceException(String message) {
        super(message);
    }

    /**
     * Fails unless {@code folder} has room.
     *
     * @param what for the message
     * @param needed bytes still to come
     */
    static void require(String what, Path folder, long needed) throws IOException {
        long free = free(folder);
        // Some file systems say 0 for what they do not know.
        if (free > 0 && free < needed) {
            throw new NoSpaceException(what + ": no space left in " + folder + ": " + needed
                    + " bytes are needed, but only " + free + " are free");
        }
    }

    /** That nothing more could be written to {@code folder}. */
    static NoSpaceException full(String what, Path folder) throws IOException {
        return new NoSpaceException(what + ": no space left in " + folder + " (" + free(folder)
                + " bytes are free); make room there and run the command again");
    }

    /** {@code failure} of writing to {@code folder}: what it says if it is of another kind. */
    static IOException of(IOException failure, String what, Path folder) throws IOException {
        if (failure instanceof NoSpaceException || !isTold(String.valueOf(failure.getMessage()))) {
            return failure;
        }
        NoSpaceException full = full(what, folder);
        full.initCause(failure);
        return full;
    }

    /** Whether a system's, or a program's, message says that a disk or a quota is full. */
    static boolean isTold(String message) {
        String text = message.toLowerCase(Locale.ROOT);
        return text.contains("no space left")
                || text.contains("errno 28")
                || text.contains("not enough space on the disk")
                || text.contains("disk quota exceeded");
    }

    private static long free(Path folder) throws IOException {
        return Files.getFileStore(folder).getUsableSpace();
    }
}
