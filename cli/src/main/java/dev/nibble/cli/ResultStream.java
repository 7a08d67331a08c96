package dev.nibble.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Standard output as commands see it: the first write that fails ends the command. A {@link PrintStream} alone would keep
 * the failure to itself, and a result that nobody has would count as a success.
 */
final class ResultStream extends OutputStream {

    /** Standard output cannot be written any more. */
    static final class LostException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        LostException(IOException cause) {
            super("cannot write standard output: " + reason(cause), cause);
        }

        /** Whether the reader has closed the pipe, as {@code head} does when it has seen enough: no failure. */
        boolean isClosedPipe() {
            String text = String.valueOf(String.valueOf(getCause()).toLowerCase(Locale.ROOT));
            return text.contains("broken pipe")
                    || text.contains("pipe is being closed")
                    || text.contains("pipe has been ended");
        }

        private static String reason(IOException cause) {
            String text = ErrorMessages.of(cause);
            return text.substring(0, 1).toLowerCase(Locale.ROOT) + text.substring(1);
        }
    }

    private final OutputStream target;
    private boolean lost;

    private ResultStream(OutputStream target) {
        this.target = target;
    }

    /** Prints UTF-8 to {@code target}; a write that fails throws a {@link LostException}, those after it do nothing. */
    static PrintStream printing(OutputStream target) {
        return new PrintStream(new ResultStream(target), false, StandardCharsets.UTF_8);
    }

    @Override
    public void write(int value) {
        write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        attempt(() -> target.write(bytes, offset, length));
    }

    @Override
    public void flush() {
        attempt(target::flush);
    }

    private interface Writing {
        void run() throws IOException;
    }

    private void attempt(Writing writing) {
        if (lost) {
            return;
        }
        try {
            writing.run();
        } catch (IOException e) {
            lost = true;
            throw new LostException(e);
        }
    }
}
