package dev.nibble.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.ModelFormatException;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SplitTest {
    @TempDir
    Path folder;

    private List<Path> files = List.of();

    @BeforeEach
    void write() throws IOException {
        GgufWriter writer = new GgufWriter().putString("general.name", "split");
        for (int i = 0; i < 5; i++) {
            writer.tensor("t" + i, DType.F32, Shape.of(4), GgufWriter.TensorData.of(i, i, i, i));
        }
        files = writer.writeSplit(folder.resolve("m"), 40);
    }

    private void refused(String message) {
        refused(files.getFirst(), message);
    }

    private static void refused(Path file, String message) {
        assertThatExceptionOfType(ModelFormatException.class)
                .isThrownBy(() -> GgufFile.open(file))
                .withMessage(message);
    }

    /** Writes a file of the split anew. */
    private void replace(int index, int number, int count, int tensors, String... names) throws IOException {
        GgufWriter writer = new GgufWriter()
                .put("split.no", GgufValueType.UINT16, number)
                .put("split.count", GgufValueType.UINT16, count)
                .put("split.tensors.count", GgufValueType.INT32, tensors);
        for (String name : names) {
            writer.tensor(name, DType.F32, Shape.of(1), GgufWriter.TensorData.of(1));
        }
        writer.write(files.get(index));
    }

    @Test
    void openedFromTheFirst() throws IOException {
        assertThat(files)
                .extracting(file -> file.getFileName().toString())
                .containsExactly("m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf");
        try (GgufFile gguf = GgufFile.open(files.getFirst())) {
            assertThat(gguf.files()).isEqualTo(files);
            assertThat(gguf.fileSize())
                    .isEqualTo(Files.size(files.get(0)) + Files.size(files.get(1)) + Files.size(files.get(2)));
            assertThat(gguf.tensors()).extracting(Tensor::name).containsExactly("t0", "t1", "t2", "t3", "t4");
            assertThat(gguf.metadata().requireString("general.name")).isEqualTo("split");
            for (int i = 0; i < 5; i++) {
                assertThat(gguf.tensor("t" + i).orElseThrow().data().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 12))
                        .isEqualTo(i);
            }
            assertThat(gguf.tensorInfos())
                    .extracting(GgufTensorInfo::file)
                    .containsExactly(files.get(0), files.get(0), files.get(1), files.get(1), files.get(2));
            for (Tensor tensor : gguf.tensors()) {
                Tensor.Place place = Objects.requireNonNull(tensor.place());
                byte[] file = Files.readAllBytes(place.file());
                int from = Math.toIntExact(place.offset());
                assertThat(Arrays.copyOfRange(file, from, from + 16))
                        .isEqualTo(tensor.data().toArray(ValueLayout.JAVA_BYTE));
            }
        }
    }

    @Test
    void notTheFirst() {
        refused(
                files.get(1),
                files.get(1) + ": split.no: this is file 2 of a split model; open m-00001-of-00003.gguf instead");
    }

    @Test
    void renamed() throws IOException {
        Path other = Files.move(files.getFirst(), folder.resolve("model.gguf"));
        refused(
                other,
                other + ": split.count: the model is split into 3 files, so this one's name has to end in"
                        + " '-00001-of-00003.gguf'; give all files their original names");
    }

    @Test
    void joinedByAppending() throws IOException {
        Path whole = folder.resolve("whole.gguf");
        for (Path part : files) {
            Files.write(
                    whole,
                    Files.readAllBytes(part),
                    java.nio.file.StandardOpenOption.CREATE,
                    java.nio.file.StandardOpenOption.APPEND);
        }
        assertThatThrownBy(() -> GgufFile.open(whole))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining(
                        "whole.gguf: split.count: this is the first of 3 files of a split model with another"
                                + " appended");
    }

    @Test
    void missing() throws IOException {
        Files.delete(files.get(2));
        refused(files.get(2) + ": file 3 of 3 of a split model is missing; download it into the same folder");
    }

    @Test
    void wrongNumber() throws IOException {
        replace(1, 2, 3, 5, "t2", "t3");
        refused(files.get(1) + ": split.no: expected 1, found 2; the files of this split model do not belong together,"
                + " download them again");
    }

    @Test
    void wrongCount() throws IOException {
        replace(1, 1, 4, 5, "t2", "t3");
        refused(files.get(1) + ": split.count: expected 3, found 4; the files of this split model do not belong"
                + " together, download them again");
    }

    @Test
    void tensorTwice() throws IOException {
        replace(1, 1, 3, 5, "t2", "t0");
        refused(files.get(1) + ": tensor 't0' is in an earlier file of this split model too; the files do not belong"
                + " together, download them again");
    }

    @Test
    void wrongTotal() throws IOException {
        replace(1, 1, 3, 5, "t2");
        refused(files.getFirst() + ": split.tensors.count: expected 5 tensors in the 3 files together, found 4; the"
                + " files do not belong together, download them again");
    }

    @Test
    void damagedShard() throws IOException {
        Files.writeString(files.get(1), "<html>");
        refused(files.get(1) + ": byte 0, the magic: expected 'GGUF', found a web page (HTML or XML); the download link"
                + " led to a page, perhaps one that asks to log in; download the file itself");
    }
}
