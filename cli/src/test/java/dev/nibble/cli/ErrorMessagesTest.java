package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.MalformedInputException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class ErrorMessagesTest {
    @Test
    void filesAreNamedAndClassesAreNot() {
        assertThat(ErrorMessages.of(new NoSuchFileException("/x y"))).isEqualTo("no such file: /x y");
        assertThat(ErrorMessages.of(new AccessDeniedException("/x"))).isEqualTo("/x may not be read or written");
        assertThat(ErrorMessages.of(new FileSystemException("/x", null, "No space left on device")))
                .isEqualTo("/x: No space left on device");
        assertThat(ErrorMessages.of(new MalformedInputException(1))).isEqualTo("the text is not in UTF-8");
        assertThat(ErrorMessages.of(new ClosedChannelException())).isEqualTo("closed channel");
        assertThat(ErrorMessages.of(new UncheckedIOException(new NoSuchFileException("/x"))))
                .isEqualTo("no such file: /x");
    }

    @Test
    void theCauseSpeaksForAnExceptionThatOnlyPassesItOn() {
        assertThat(ErrorMessages.of(new IOException(new NoSuchFileException("/x"))))
                .isEqualTo("no such file: /x");
        assertThat(ErrorMessages.of(new IOException("the cache cannot be read: " + new AccessDeniedException("/x"))))
                .isEqualTo("the cache cannot be read: /x may not be read or written");
        assertThat(ErrorMessages.inWords("failed (java.io.IOException: Input/output error)"))
                .isEqualTo("failed (Input/output error)");
        assertThat(ErrorMessages.inWords("failed: java.nio.channels.ClosedChannelException"))
                .isEqualTo("failed: closed channel");
    }
}
