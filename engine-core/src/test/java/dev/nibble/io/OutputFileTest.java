package dev.nibble.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFileTest {
    @TempDir
    Path folder;

    private static void write(Path name, String text) throws IOException {
        try (OutputFile file = OutputFile.create(name)) {
            file.channel().write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            file.commit();
        }
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private void refused(Path name, String reason) throws IOException {
        List<String> before = names();
        assertThatThrownBy(() -> write(name, "new"))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(name + " cannot be written: ")
                .hasMessageContaining(reason);
        assertThat(names()).isEqualTo(before);
    }

    @Test
    void theFileIsThereWhenItIsWhole() throws IOException {
        Path name = folder.resolve("file");
        Files.writeString(name, "old");
        try (OutputFile file = OutputFile.create(name)) {
            file.channel().write(ByteBuffer.wrap(new byte[] {'n', 'e', 'w'}));
            assertThat(name).hasContent("old");
            file.commit();
        }
        assertThat(name).hasContent("new");
        assertThat(names()).containsExactly("file");
    }

    @Test
    void aFailureLeavesWhatWasThere() throws IOException {
        Path name = folder.resolve("file");
        Files.writeString(name, "old");
        assertThatThrownBy(() -> {
                    try (OutputFile file = OutputFile.create(name)) {
                        file.channel().write(ByteBuffer.wrap(new byte[100]));
                        throw new IllegalStateException("in between");
                    }
                })
                .hasMessage("in between");
        assertThat(name).hasContent("old");
        assertThat(names()).containsExactly("file");
    }

    @Test
    void aFileOfSomebodyElseIsNotTouched() throws IOException {
        Files.writeString(folder.resolve("file.part"), "mine");
        write(folder.resolve("file"), "new");
        assertThat(folder.resolve("file.part")).hasContent("mine");
        assertThat(names()).containsExactly("file", "file.part");
    }

    @Test
    void whatIsNoFileIsRefused() throws IOException {
        Path inner = Files.createDirectory(folder.resolve("folder"));
        refused(inner, "it is a folder, not a file");
        assertThat(inner).isEmptyDirectory();
        refused(folder.resolve("missing").resolve("file"), "there is no folder " + folder.resolve("missing"));
        refused(folder.resolve("none"), Long.MAX_VALUE);
    }

    private void refused(Path name, long bytes) throws IOException {
        assertThatThrownBy(() -> OutputFile.create(name, bytes).close())
                .isInstanceOf(IOException.class)
                .hasMessageContaining(name + " cannot be written: it needs " + bytes + " bytes, and only ");
        assertThat(name).doesNotExist();
    }

    @Test
    void aSocketIsRefused() throws IOException {
        assumePosix();
        Path shortFolder = Files.createTempDirectory("nb");
        Path socket = shortFolder.resolve("s");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            assertThatThrownBy(() -> write(socket, "new")).hasMessageContaining("cannot be written: it is ");
            assertThat(Files.exists(socket) && !Files.isRegularFile(socket)).isTrue();
        } finally {
            Files.deleteIfExists(socket);
            Files.delete(shortFolder);
        }
    }

    @Test
    void aPipeIsRefused() throws IOException, InterruptedException {
        assumePosix();
        Path mkfifo = Path.of("/usr/bin/mkfifo");
        assumeTrue(Files.isExecutable(mkfifo), "there is no mkfifo here to make a named pipe with");
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder(mkfifo.toString(), pipe.toString())
                        .start()
                        .waitFor())
                .isZero();
        refused(pipe, "it is a named pipe, not a file");
        assertThat(Files.isRegularFile(pipe)).isFalse();
    }

    @Test
    void aDeviceIsRefused() throws IOException {
        Path device = Path.of("/dev/full");
        assumeTrue(Files.exists(device), "there is no /dev/full here");
        refused(device, "it is a device, not a file");
        assertThat(Files.isRegularFile(device)).isFalse();
    }

    @Test
    void aLinkStaysALinkToTheNewFile() throws IOException {
        assumePosix();
        Path real = folder.resolve("real");
        Path link = folder.resolve("link");
        Files.writeString(real, "old");
        Files.createSymbolicLink(link, Path.of("real"));
        write(link, "new");
        assertThat(Files.isSymbolicLink(link)).isTrue();
        assertThat(real).hasContent("new");
        Files.delete(real);
        refused(link, "it is a symbolic link to real, which is not there");
        assertThat(Files.exists(link, LinkOption.NOFOLLOW_LINKS)).isTrue();
    }

    @Test
    void permissionsStay() throws IOException {
        assumePosix();
        Path name = folder.resolve("file");
        Files.writeString(name, "old");
        Files.setPosixFilePermissions(name, PosixFilePermissions.fromString("rw-r-----"));
        write(name, "new");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(name)))
                .isEqualTo("rw-r-----");
    }

    @Test
    void aLongNameIsNoTrouble() throws IOException {
        String name = "x".repeat(255);
        write(folder.resolve(name), "new");
        assertThat(names()).containsExactly(name);
    }

    @Test
    void anEndingProcessLeavesNothingUnfinished() throws IOException {
        Path name = folder.resolve("file");
        try (OutputFile file = OutputFile.create(name)) {
            file.channel().write(ByteBuffer.wrap(new byte[10]));
            assertThat(names()).hasSize(1);
            OutputFile.deleteUnfinished();
            if (isPosix()) { // elsewhere a file that is deleted keeps its name until it is closed
                assertThat(names()).isEmpty();
            }
        }
        assertThat(names()).isEmpty();
    }

    private static boolean isPosix() {
        return FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
    }

    private static void assumePosix() {
        assumeTrue(isPosix(), "the file system has no POSIX permissions");
    }
}
