package dev.nibble.gguf;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.ModelFormatException;
import dev.nibble.NibbleException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.model.MappedMemory;
import dev.nibble.model.ModelSource;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFileTest {
    @TempDir
    Path folder;

    private Path tiny() throws IOException {
        Path file = folder.resolve("tiny.gguf");
        new GgufWriter()
                .putString("general.architecture", "none")
                .tensor("t", DType.F32, Shape.of(4), GgufWriter.TensorData.of(1, 2, 3, 4))
                .write(file);
        return file;
    }

    private void refused(String head, Class<? extends NibbleException> type, String message) throws IOException {
        Path file = folder.resolve("foreign");
        Files.write(file, head.getBytes(ISO_8859_1));
        assertThatExceptionOfType(type)
                .isThrownBy(() -> GgufFile.open(file))
                .withMessage(file + ": byte 0, the magic: expected 'GGUF', found " + message);
        assertThat(new GgufModelFormat().recognizes(file)).isFalse();
    }

    private void refused(String head, String message) throws IOException {
        refused(head, ModelFormatException.class, message);
    }

    @Test
    void foreignFilesAreNamed() throws IOException {
        String convert = "use a GGUF file of the model, or convert it with llama.cpp";
        refused("ab", "a file of 2 bytes; download the file again");
        refused("\0".repeat(100), "zero bytes; its download seems not to have finished; download the file again");
        refused(
                "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
                "a Git LFS pointer, which stands for the real file; run 'git lfs pull' in its repository, or download"
                        + " the file itself");
        for (String page : new String[] {"<!DOCTYPE html>", "\n <HTML>", "<?xml version='1.0'?>"}) {
            refused(
                    page,
                    "a web page (HTML or XML); the download link led to a page, perhaps one that asks to log in;"
                            + " download the file itself");
        }
        refused("\u0010\0\0\0\0\0\0\0{\"__metadata__\":{}}", "a safetensors file; " + convert);
        refused("{\"error\":\"not found\"}", "JSON text; pass the path of the model file itself");
        refused("PK\3\4....", "a zip archive (perhaps a PyTorch checkpoint); unpack it, or " + convert);
        String program = "pass the path of the model file itself";
        refused(
                "MZqFpD='\n\0\0",
                "a llamafile, a program with a model inside; it is a zip archive too: unpack the .gguf file from it, or"
                        + " download that of the model");
        refused("\u007fELF\2\1", "a program; " + program);
        refused("MZ\u0090\0", "a program; " + program);
        refused("\b\u0007\u0012\u0007pytorch\u001a", "an ONNX file; " + convert);
        refused("\u0018\0\0\0TFL3", "a TensorFlow Lite file; " + convert);
        refused("\u0093NUMPY", "a NumPy array; " + convert);
        refused("\u0080\u0004\u0095\0", "a Python pickle (perhaps a PyTorch checkpoint); " + convert);
        refused(
                "Access to model x is restricted.\n",
                "text, beginning 'access to model x is restricted.'; the download seems to have failed, or this is"
                        + " another file; download the model file itself");
        refused("\u0080\u0002}q", "a Python pickle (perhaps a PyTorch checkpoint); " + convert);
        refused("\u0089HDF\r\n", "an HDF5 file; " + convert);
        for (String packed : new String[] {
            "\u001f\u008b\u0008\0",
            "(\u00b5/\u00fd",
            "\u00fd7zXZ\0",
            "BZh9",
            "7z\u00bc\u00af",
            "Rar!",
            "x".repeat(257) + "ustar"
        }) {
            refused(packed, "a compressed file or archive; unpack it first");
        }
        refused("\u00ff\u0000ab", "the bytes ff 00 61 62; this is not a GGUF model file");
    }

    @Test
    void oldFormatsAreNamed() throws IOException {
        for (String magic : new String[] {"lmgg", "fmgg", "tjgg", "algg", "nsgg"}) {
            String letters = new StringBuilder(magic).reverse().toString();
            refused(
                    magic + "\1\0\0\0",
                    UnsupportedModelException.class,
                    "a file of the older format '" + letters + "'; download a GGUF conversion of the model, this"
                            + " format is out of use since 2023");
        }
        refused(
                "FUGG\0\0\0\3",
                UnsupportedModelException.class,
                "a GGUF file in reversed byte order; download the little-endian conversion of the model");
    }

    @Test
    void whatIsNoFileIsNamed() throws IOException {
        assertThatExceptionOfType(NoSuchFileException.class)
                .isThrownBy(() -> GgufFile.open(folder.resolve("none.gguf")))
                .withMessageContaining("none.gguf");
        assertThatExceptionOfType(ModelFormatException.class)
                .isThrownBy(() -> GgufFile.open(folder))
                .withMessage(folder + ": this is a directory; pass the path of a model file in it");
        Path empty = Files.createFile(folder.resolve("empty.gguf"));
        assertThatExceptionOfType(ModelFormatException.class)
                .isThrownBy(() -> GgufFile.open(empty))
                .withMessage(empty + ": the file is empty; download it again");
        assertThat(new GgufModelFormat().recognizes(folder)).isFalse();
        assertThat(new GgufModelFormat().recognizes(empty)).isFalse();
    }

    @Test
    void deviceIsNotOpened() {
        Path device = Path.of("/dev/zero");
        assumeTrue(Files.exists(device), "needs /dev/zero");
        assertThatExceptionOfType(ModelFormatException.class)
                .isThrownBy(() -> GgufFile.open(device))
                .withMessage(device + ": this is not a regular file; pass the path of a model file");
    }

    @Test
    void everyTruncationIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(tiny());
        for (int length = 1; length < whole.length - 16; length++) { // the last 16 bytes are padding
            byte[] head = java.util.Arrays.copyOf(whole, length);
            assertThatExceptionOfType(ModelFormatException.class)
                    .as("%d of %d bytes", length, whole.length)
                    .isThrownBy(() -> Parsing.parse(head))
                    .withMessageStartingWith("m.gguf: byte ");
        }
    }

    @Test
    void closedTwiceAndUsedAfterwards() throws IOException {
        GgufFile gguf = GgufFile.open(tiny());
        Tensor tensor = gguf.tensor("t").orElseThrow();
        assertThat(gguf.name()).endsWith("tiny.gguf");
        gguf.close();
        gguf.close();
        assertThatIllegalStateException().isThrownBy(() -> tensor.data().get(ValueLayout.JAVA_BYTE, 0));
    }

    @Test
    void fileCutWhileMappedIsAnExceptionNotACrash() throws IOException {
        Path file = folder.resolve("cut.gguf");
        int count = 1 << 20;
        new GgufWriter()
                .tensor("t", DType.F32, Shape.of(count), GgufWriter.TensorData.of(new float[count]))
                .write(file);
        try (GgufFile gguf = GgufFile.open(file)) {
            Tensor tensor = gguf.tensor("t").orElseThrow();
            assumeTrue(truncate(file), "this system does not cut a mapped file");
            assertThatExceptionOfType(ModelFormatException.class)
                    .isThrownBy(() -> MappedMemory.read(gguf.name(), () -> {
                        long sum = 0;
                        for (long i = 0; i < tensor.data().byteSize(); i++) {
                            sum += tensor.data().get(ValueLayout.JAVA_BYTE, i);
                        }
                        return sum;
                    }))
                    .withMessage(file + ": the file can no longer be read where it was mapped; it was truncated or"
                            + " replaced while in use, or its disk failed. Close the model and load it again")
                    .withCauseInstanceOf(InternalError.class);
        }
    }

    @Test
    void otherInternalErrorsPass() {
        assertThatExceptionOfType(InternalError.class)
                .isThrownBy(() -> MappedMemory.read("m.gguf", () -> {
                    throw new InternalError("something else");
                }))
                .withMessage("something else");
    }

    private static boolean truncate(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(4096);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void formatRecognizesAndOpens() throws IOException {
        GgufModelFormat format = new GgufModelFormat();
        assertThat(format.name()).isEqualTo("GGUF");
        assertThat(format.recognizes(tiny())).isTrue();
        try (ModelSource source = format.open(tiny())) {
            assertThat(source.metadata().requireString("general.architecture")).isEqualTo("none");
        }
    }
}
