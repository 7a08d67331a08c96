package dev.nibble.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;

/** Weights that are mapped as arrays, not copied. */
class FileRangeTest {
    private static final Path FILE = Path.of("model.gguf");
    private static final Path OTHER = Path.of("other.gguf");
    private static final long MIB = 1 << 20;

    /** Bytes of the matrices of a file. */
    private static final int SIZE = 32 * 8 * 4;

    @TempDir
    Path folder;

    /** Planned only: the file is not looked at. */
    private static Tensor tensor(Path file, long offset, long bytes) {
        MemorySegment data = Arena.ofAuto().allocate(bytes);
        return new Tensor("t", DType.I8, Shape.of(bytes), data, new Tensor.Place(file, offset));
    }

    private static List<FileRange> cover(long limit, Tensor... each) {
        return FileRange.cover(List.of(each).stream().map(List::of).toList(), limit);
    }

    @Test
    void joinsWhatLiesTogetherUpToTheLimit() {
        Tensor a = tensor(FILE, 1600, 1000);
        Tensor b = tensor(FILE, 2624, 1000); // in the file behind a, asked for before
        assertThat(cover(10_000, b, a)).containsExactly(new FileRange(FILE, 1600, 3624));
        assertThat(cover(2024, b, a)).containsExactly(new FileRange(FILE, 1600, 3624));
        assertThat(cover(2023, b, a)).containsExactly(new FileRange(FILE, 1600, 2600), new FileRange(FILE, 2624, 3624));
        assertThat(cover(999, b, a)).isEmpty();
        assertThat(cover(10_000, a, a)).as("tied").containsExactly(new FileRange(FILE, 1600, 2600));
        assertThat(cover(10_000, a, tensor(OTHER, 2624, 1000))).hasSize(2);
        assertThat(cover(10 * MIB, a, tensor(FILE, 2600 + MIB, 1000))).hasSize(1);
        assertThat(cover(10 * MIB, a, tensor(FILE, 2616 + MIB, 1000))).hasSize(2);
        assertThat(cover(10_000, tensor(FILE, 1606, 10)))
                .as("rows of a split matrix start anywhere, arrays do not")
                .containsExactly(new FileRange(FILE, 1600, 1616));
    }

    @Test
    void takesAGroupAsAWholeOrNotAtAll() {
        Tensor a = tensor(FILE, 1600, 1000);
        Tensor near = tensor(FILE, 2624, 1000);
        Tensor far = tensor(FILE, 4 * MIB, 1000);
        Tensor elsewhere = tensor(OTHER, 2624, 1000);
        Tensor nowhere = new Tensor("t", DType.I8, Shape.of(8), Arena.ofAuto().allocate(8));
        assertThat(FileRange.cover(List.of(List.of(near, a)), 10_000)).hasSize(1);
        assertThat(FileRange.cover(List.of(List.of(a, far)), 10 * MIB)).isEmpty();
        assertThat(FileRange.cover(List.of(List.of(a, elsewhere)), 10 * MIB)).isEmpty();
        assertThat(FileRange.cover(List.of(List.of(a, nowhere)), 10 * MIB)).isEmpty();
        FileRange range = new FileRange(FILE, 1600, 3624);
        assertThat(range.holds(List.of(near, a))).isTrue();
        assertThat(range.holds(List.of(a, far))).isFalse();
        assertThat(range.holds(List.of(a, elsewhere))).isFalse();
        assertThat(range.holds(List.of(a, nowhere))).isFalse();
        assertThat(new FileRange(FILE, 1616, 3624).holds(List.of(a))).isFalse();
    }

    /** Three matrices of 8 rows in two files, the last in the second. */
    private List<Path> write() throws IOException {
        GgufWriter writer = new GgufWriter();
        writer.tensor("a", DType.F32, Shape.of(32, 8), GgufWriter.TensorData.of(random(1)));
        writer.tensor("norm", DType.F32, Shape.of(2), GgufWriter.TensorData.of(1, 2));
        writer.tensor("b", DType.F32, Shape.of(32, 8), GgufWriter.TensorData.of(random(2)));
        writer.tensor("c", DType.F32, Shape.of(32, 8), GgufWriter.TensorData.of(random(3)));
        return writer.writeSplit(folder.resolve("m"), 2 * SIZE + 100);
    }

    private static float[] random(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[256];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat() - 0.5f;
        }
        return values;
    }

    private static WeightStore store(GgufFile gguf) {
        List<Tensor> matrices = List.of(tensor(gguf, "c"));
        return new WeightStore(matrices, List.of(List.of(tensor(gguf, "b"), tensor(gguf, "a"))), 10_000, 4 * 128 + 16);
    }

    private static Tensor tensor(GgufFile gguf, String name) {
        return gguf.tensor(name).orElseThrow();
    }

    private static void holdWhatTheFileHolds(WeightStore store, GgufFile gguf, List<ByteArray> arrays) {
        for (String name : List.of("a", "b", "c")) {
            Tensor tensor = tensor(gguf, name);
            List<WeightStore.Piece> pieces = name.equals("c") ? store.matrix(tensor) : store.layer(0);
            assertThat(pieces).hasSize(2);
            for (WeightStore.Piece piece : pieces) {
                if (piece.tensor() == tensor) {
                    MemorySegment array = arrays.get(piece.array()).getSegment();
                    long bytes = piece.rows() * tensor.rowBytes();
                    assertThat(array.asSlice(piece.offset(), bytes)
                                    .mismatch(tensor.data().asSlice(piece.firstRow() * tensor.rowBytes(), bytes)))
                            .isEqualTo(-1);
                }
            }
        }
    }

    @Test
    void mapsTheFilesAndNeverWritesThem() throws IOException {
        List<Path> files = write();
        byte[] first = Files.readAllBytes(files.get(0));
        byte[] second = Files.readAllBytes(files.get(1));
        try (GgufFile gguf = GgufFile.open(files.getFirst());
                Arena arena = Arena.ofShared()) {
            WeightStore store = store(gguf);
            List<ByteArray> arrays = store.fill(arena);
            assertThat(arrays).hasSize(2);
            assertThat(store.copiedBytes()).isZero();
            assertThat(store.mappedBytes()).isEqualTo(store.bytes()).isBetween(3L * SIZE, 3L * SIZE + 100);
            holdWhatTheFileHolds(store, gguf, arrays);
            for (ByteArray array : arrays) {
                assertThat(array.getSegment().isMapped()).isTrue();
                array.set(0, (byte) (array.get(0) + 1)); // private: neither this nor the header reaches the file
            }
        }
        assertThat(files.get(0)).hasBinaryContent(first);
        assertThat(files.get(1)).hasBinaryContent(second);
    }

    @Test
    void copiesWhatIsConvertedThoughItLiesAmongWhatIsMapped() throws IOException {
        MemorySegment ones = Arena.ofAuto().allocate(32 * 8 * 2);
        for (int i = 0; i < 32 * 8; i++) {
            ones.set(ValueLayout.JAVA_SHORT, 2L * i, (short) (Float.floatToIntBits(1) >> 16));
        }
        Path file = folder.resolve("m.gguf");
        new GgufWriter()
                .tensor("a", DType.F32, Shape.of(32, 8), GgufWriter.TensorData.of(random(1)))
                .tensor("b", DType.BF16, Shape.of(32, 8), GgufWriter.TensorData.of(ones))
                .tensor("c", DType.F32, Shape.of(32, 8), GgufWriter.TensorData.of(random(3)))
                .write(file);
        try (GgufFile gguf = GgufFile.open(file);
                Arena arena = Arena.ofShared()) {
            List<Tensor> matrices = List.of(tensor(gguf, "a"), tensor(gguf, "c"));
            WeightStore store = new WeightStore(matrices, List.of(List.of(tensor(gguf, "b"))), 10_000, 10_000);
            List<ByteArray> arrays = store.fill(arena);
            assertThat(arrays).hasSize(2);
            assertThat(store.matrix(matrices.getFirst()).getFirst().array()).isZero();
            assertThat(store.matrix(matrices.getLast()).getFirst().array()).isZero();
            assertThat(store.layer(0).getFirst().array()).isEqualTo(1);
            assertThat(arrays.get(1).getSegment().get(ValueLayout.JAVA_SHORT_UNALIGNED, 0))
                    .isEqualTo(Float.floatToFloat16(1));
            assertThat(store.copiedBytes()).isEqualTo(32 * 8 * 2);
        }
    }

    @Test
    void copiesWhatMayNotBeOpenedForWriting() throws IOException {
        List<Path> files = write();
        try (GgufFile gguf = GgufFile.open(files.getFirst());
                Arena arena = Arena.ofShared()) {
            WeightStore store = store(gguf);
            // still mapped by gguf; nobody, root neither, can open a folder for writing
            Files.delete(files.getFirst());
            Files.createDirectory(files.getFirst());
            List<ByteArray> arrays = store.fill(arena);
            holdWhatTheFileHolds(store, gguf, arrays);
            assertThat(store.copiedBytes()).isBetween(2L * SIZE, 2L * SIZE + 100);
            assertThat(arrays)
                    .extracting(array -> array.getSegment().isMapped())
                    .containsExactly(false, true);
        }
    }

    @Test
    void doesNotExtendAFileThatWasCutShort() throws IOException {
        Path file = folder.resolve("short");
        Files.write(file, new byte[1000]);
        try (Arena arena = Arena.ofShared()) {
            ByteArray array = Objects.requireNonNull(new FileRange(file, 96, 1000).map(arena));
            assertThat(array.getSize()).isEqualTo(904);
            assertThat(array.getSegment().get(ValueLayout.JAVA_BYTE, 903)).isZero();
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(999);
            }
            assertThat(new FileRange(file, 96, 1000).map(arena)).isNull();
            assertThat(Files.size(file)).isEqualTo(999);
        }
    }
}
