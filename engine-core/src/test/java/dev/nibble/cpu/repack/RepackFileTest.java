package dev.nibble.cpu.repack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackFile.WeightKey;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RepackFileTest {
    private static final WeightKey IDENTITY = key('1');

    @TempDir
    Path folder;

    private final WorkerPool pool = new WorkerPool(2);
    private final Map<WeightKey, MemorySegment> copies = new LinkedHashMap<>();
    private Path file = Path.of("");

    private static WeightKey key(char digit) {
        return new WeightKey(String.valueOf(digit).repeat(64));
    }

    @BeforeEach
    void write() throws IOException {
        file = folder.resolve("new/copies.nibble");
        Random random = new Random(1);
        int[] sizes = {1, 64, 0, 4097, 2 * RepackFile.CHUNK_BYTES, 100_001 + RepackFile.CHUNK_BYTES};
        for (int i = 0; i < sizes.length; i++) {
            byte[] bytes = new byte[sizes[i]];
            random.nextBytes(bytes);
            MemorySegment copy = Arena.ofAuto().allocate(Math.max(1, sizes[i])).asSlice(0, sizes[i]);
            copy.copyFrom(MemorySegment.ofArray(bytes));
            copies.put(key((char) ('a' + i)), copy);
        }
        RepackFileWriter.write(file, IDENTITY, copies);
    }

    @AfterEach
    void closePool() {
        pool.close();
    }

    private void unusable(String reason) {
        assertThatThrownBy(() -> RepackFile.open(file, IDENTITY))
                .isInstanceOf(RepackFile.UnusableException.class)
                .hasMessageContaining(reason);
    }

    private byte[] read(RepackFile opened, WeightKey key) throws IOException {
        MemorySegment copy =
                Arena.ofAuto().allocate(Math.max(1, opened.bytes(key).orElseThrow()));
        copy.fill((byte) 0x55);
        copy = copy.asSlice(0, opened.bytes(key).orElseThrow());
        opened.read(key, copy, pool);
        return copy.toArray(ValueLayout.JAVA_BYTE);
    }

    private List<Path> filesOfTheFolder() throws IOException {
        try (Stream<Path> files = Files.list(file.resolveSibling(""))) {
            return files.toList();
        }
    }

    @Test
    void holdsWhatWasWrittenAndNothingElseIsLeftBehind() throws IOException {
        try (RepackFile opened = RepackFile.open(file, IDENTITY)) {
            for (Map.Entry<WeightKey, MemorySegment> written : copies.entrySet()) {
                assertThat(read(opened, written.getKey()))
                        .isEqualTo(written.getValue().toArray(ValueLayout.JAVA_BYTE));
            }
            assertThat(opened.bytes(key('9'))).isEmpty();
        }
        assertThat(filesOfTheFolder()).containsExactly(file);
    }

    @Test
    void aMissingFileIsNoDamage() throws IOException {
        Files.delete(file);
        assertThatThrownBy(() -> RepackFile.open(file, IDENTITY)).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void everyChangeOfTheHeaderIsSeen() throws IOException {
        byte[] whole = Files.readAllBytes(file);
        for (int at = 0; at < 72 + 6 * 48 + 7 * 4; at++) {
            byte[] changed = whole.clone();
            changed[at] ^= (byte) (1 << at % 8);
            Files.write(file, changed);
            unusable("");
        }
    }

    @Test
    void anyLengthButItsOwnIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(file);
        for (int length : new int[] {0, 7, 71, 72, 300, 387, 388, 4096, whole.length - 1}) {
            Files.write(file, Arrays.copyOf(whole, length));
            unusable("");
        }
        Files.write(file, Arrays.copyOf(whole, whole.length + 1));
        unusable("it has " + (whole.length + 1) + " bytes in place of " + whole.length);
    }

    /** Bytes that are another number, that are all ones as those of erased memory, and that are lost as those of a hole. */
    @Test
    void damagedWeightsAreSeenWhereverTheyAre() throws IOException {
        byte[] whole = Files.readAllBytes(file);
        WeightKey last = key('f');
        int bytes = Math.toIntExact(Objects.requireNonNull(copies.get(last)).byteSize());
        for (int at : new int[] {0, 5000, bytes / 2, RepackFile.CHUNK_BYTES, bytes - 1}) {
            for (int length : new int[] {1, 4096}) {
                for (int value : new int[] {-1, 0, 0x5a}) {
                    byte[] changed = whole.clone();
                    int from = whole.length - bytes + at;
                    Arrays.fill(changed, from, Math.min(whole.length, from + length), (byte) value);
                    if (Arrays.equals(changed, whole)) {
                        continue; // it was that byte
                    }
                    Files.write(file, changed);
                    try (RepackFile opened = RepackFile.open(file, IDENTITY)) {
                        assertThatThrownBy(() -> read(opened, last))
                                .isInstanceOf(RepackFile.UnusableException.class)
                                .hasMessageMatching("the weights from byte \\d+ on are damaged");
                        assertThat(read(opened, key('e'))).hasSize(2 * RepackFile.CHUNK_BYTES); // others are not
                    }
                }
            }
        }
    }

    @Test
    void aFileThatIsCutShortWhileItIsReadIsSeen() throws IOException {
        try (RepackFile opened = RepackFile.open(file, IDENTITY)) {
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(channel.size() - 1);
            }
            assertThatThrownBy(() -> read(opened, key('f')))
                    .isInstanceOf(RepackFile.UnusableException.class)
                    .hasMessage("it was cut short");
        }
    }

    @Test
    void otherFilesAreRefused() throws IOException {
        assertThatThrownBy(() -> RepackFile.open(file, key('2')))
                .isInstanceOf(RepackFile.UnusableException.class)
                .hasMessage("it was made from another state of the model file");
        Files.writeString(file, "GGUF".repeat(100));
        unusable("it is not a file of rearranged weights");
    }

    @Test
    void whatWritersLeftThatDiedIsRemovedByTheNext() throws Exception {
        Path abandoned = Files.write(file.resolveSibling("0123.nibble.4567.tmp"), new byte[10]);
        Path locked = Files.write(file.resolveSibling("0123.nibble.89ab.tmp"), new byte[10]);
        Path young = Files.write(file.resolveSibling("0123.nibble.cdef.tmp"), new byte[10]);
        Path foreign = Files.write(file.resolveSibling("notes.tmp"), new byte[10]);
        FileTime past = FileTime.from(Instant.now().minusSeconds(3600));
        for (Path old : List.of(abandoned, locked, foreign)) {
            Files.setLastModifiedTime(old, past);
        }
        Process writer = OtherWriter.start(locked);
        try {
            assertThat(writer.inputReader().readLine()).isEqualTo("locked");
            RepackFileWriter.write(file, IDENTITY, copies);
            assertThat(filesOfTheFolder()).containsExactlyInAnyOrder(file, locked, young, foreign);
        } finally {
            writer.destroyForcibly();
            writer.waitFor(60, TimeUnit.SECONDS);
        }
        RepackFileWriter.write(file, IDENTITY, copies);
        assertThat(filesOfTheFolder()).containsExactlyInAnyOrder(file, young, foreign);
    }

    /** Another process that writes, until it is killed. */
    public static final class OtherWriter {
        static Process start(Path file) throws Exception {
            return new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-cp",
                            Path.of(OtherWriter.class
                                            .getProtectionDomain()
                                            .getCodeSource()
                                            .getLocation()
                                            .toURI())
                                    .toString(),
                            OtherWriter.class.getName(),
                            file.toString())
                    .start();
        }

        /** Locks a file as writers do. */
        public static void main(String[] args) throws Exception {
            try (FileChannel channel = FileChannel.open(Path.of(args[0]), StandardOpenOption.WRITE)) {
                System.out.println(channel.tryLock() == null ? "not locked" : "locked");
                Thread.sleep(600_000);
            }
        }
    }
}
