package dev.nibble.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the model is told before the conversation. */
@HelpSection(HelpSection.Heading.PROMPT)
final class SystemMessage {
    @Option(names = "--system", paramLabel = "TEXT", description = "The system message of a chat.")
    private @Nullable String text;

    @Option(names = "--system-file", paramLabel = "FILE", description = "Read the system message from a file.")
    private @Nullable Path file;

    /** The message, or null without one; both options together are bad usage. */
    @Nullable String text(InputStream in) throws IOException {
        if (text != null && file != null) {
            throw new UsageException("give the system message with --system or with --system-file, not both");
        }
        return file == null ? text : Input.text(file, in);
    }
}
