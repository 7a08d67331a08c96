package dev.nibble.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.cpu.RepackFile.WeightKey;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RepackFileTest {
    private static final WeightKey IDENTITY = key('1');

    @TempDir
    Path folder;

    private final Map<WeightKey, MemorySegment> copies = new LinkedHashMap<>();
    private Path file = Path.of("");

    private static WeightKey key(char digit) {
        return new WeightKey(String.valueOf(digit).repeat(64));
    }

    @BeforeEach
    void write() throws IOException {
        file = folder.resolve("new/copies.nibble");
        Random random = new Random(1);
        int[] sizes = {1, 64, 0, 4097, 100_001};
        for (int i = 0; i < sizes.length; i++) {
            byte[] bytes = new byte[sizes[i]];
            random.nextBytes(bytes);
            MemorySegment copy = Arena.ofAuto().allocate(Math.max(1, sizes[i])).asSlice(0, sizes[i]);
            copy.copyFrom(MemorySegment.ofArray(bytes));
            copies.put(key((char) ('a' + i)), copy);
        }
        RepackFile.write(file, IDENTITY, copies);
    }

    private void unusable(String reason) {
        assertThatThrownBy(() -> RepackFile.open(file, IDENTITY, Arena.ofAuto()))
                .isInstanceOf(RepackFile.UnusableException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void holdsWhatWasWrittenAlignedAndNothingElseIsLeftBehind() throws IOException {
        try (RepackFile opened = RepackFile.open(file, IDENTITY, Arena.ofAuto())) {
            assertThat(opened.copies().keySet()).containsExactlyElementsOf(copies.keySet());
            copies.forEach((key, written) -> {
                MemorySegment copy = Objects.requireNonNull(opened.copies().get(key));
                assertThat(copy.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(written.toArray(ValueLayout.JAVA_BYTE));
                assertThat(copy.address() % 64).isZero();
            });
            assertThat(opened.isWhole()).isTrue();
        }
        try (Stream<Path> files = Files.list(file.resolveSibling(""))) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void aMissingFileIsNoDamage() throws IOException {
        Files.delete(file);
        assertThatThrownBy(() -> RepackFile.open(file, IDENTITY, Arena.ofAuto()))
                .isInstanceOf(FileNotFoundException.class);
    }

    @Test
    void everyChangeOfTheHeaderIsSeen() throws IOException {
        byte[] whole = Files.readAllBytes(file);
        for (int at = 0; at < 72 + 5 * 56; at++) {
            byte[] changed = whole.clone();
            changed[at] ^= (byte) (1 << at % 8);
            Files.write(file, changed);
            unusable("");
        }
    }

    @Test
    void anyLengthButItsOwnIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(file);
        for (int length : new int[] {0, 7, 71, 72, 300, 351, 352, 4096, whole.length - 1}) {
            Files.write(file, java.util.Arrays.copyOf(whole, length));
            unusable("");
        }
        Files.write(file, java.util.Arrays.copyOf(whole, whole.length + 1));
        unusable("it has " + (whole.length + 1) + " bytes in place of " + whole.length);
    }

    @Test
    void damagedWeightsAreSeenAtBothEnds() throws IOException {
        byte[] whole = Files.readAllBytes(file);
        for (int at : new int[] {whole.length - 100_001, whole.length - 1}) {
            byte[] changed = whole.clone();
            changed[at]++;
            Files.write(file, changed);
            unusable("are damaged");
        }
    }

    @Test
    void otherFilesAreRefused() throws IOException {
        assertThatThrownBy(() -> RepackFile.open(file, key('2'), Arena.ofAuto()))
                .isInstanceOf(RepackFile.UnusableException.class)
                .hasMessage("it was made from another state of the model file");
        Files.writeString(file, "GGUF".repeat(100));
        unusable("it is not a file of rearranged weights");
    }

    @Test
    void itIsSeenWhenTheFileIsCutShort() throws IOException {
        try (RepackFile opened = RepackFile.open(file, IDENTITY, Arena.ofAuto())) {
            Files.write(file, new byte[100]);
            assertThat(opened.isWhole()).isFalse();
        }
    }
}
