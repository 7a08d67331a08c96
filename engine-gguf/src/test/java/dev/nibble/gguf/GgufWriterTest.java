package dev.nibble.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.nibble.ModelFormatException;
import dev.nibble.model.Metadata;
import dev.nibble.model.StringArray;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufWriterTest {
    @TempDir
    Path folder;

    private Path file() {
        return folder.resolve("m.gguf");
    }

    private static StringArray strings(Metadata metadata, String key) {
        return Objects.requireNonNull(metadata.optionalStrings(key));
    }

    @Test
    void everyScalarTypeComesBack() throws IOException {
        new GgufWriter()
                .put("u8", GgufValueType.UINT8, 255)
                .put("i8", GgufValueType.INT8, -128)
                .put("u16", GgufValueType.UINT16, 65535)
                .put("i16", GgufValueType.INT16, -32768)
                .putUint32("u32", 4294967295L)
                .put("i32", GgufValueType.INT32, Integer.MIN_VALUE)
                .put("u64", GgufValueType.UINT64, Long.MAX_VALUE)
                .put("i64", GgufValueType.INT64, Long.MIN_VALUE)
                .putFloat32("f32", 0.1f)
                .put("f64", GgufValueType.FLOAT64, 0.1)
                .putBoolean("true", true)
                .putBoolean("false", false)
                .putString("string", "Gänse\u0000🦆")
                .putString("empty", "")
                .write(file());
        try (GgufFile gguf = GgufFile.open(file())) {
            Metadata metadata = gguf.metadata();
            assertThat(metadata.keys())
                    .containsExactly(
                            "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "true", "false",
                            "string", "empty");
            assertThat(metadata.get("u8")).isEqualTo(255L);
            assertThat(metadata.get("i8")).isEqualTo(-128L);
            assertThat(metadata.get("u16")).isEqualTo(65535L);
            assertThat(metadata.get("i16")).isEqualTo(-32768L);
            assertThat(metadata.get("u32")).isEqualTo(4294967295L);
            assertThat(metadata.get("i32")).isEqualTo((long) Integer.MIN_VALUE);
            assertThat(metadata.get("u64")).isEqualTo(Long.MAX_VALUE);
            assertThat(metadata.get("i64")).isEqualTo(Long.MIN_VALUE);
            assertThat(metadata.get("f32")).isEqualTo((double) 0.1f);
            assertThat(metadata.get("f64")).isEqualTo(0.1);
            assertThat(metadata.get("true")).isEqualTo(true);
            assertThat(metadata.get("false")).isEqualTo(false);
            assertThat(metadata.get("string")).isEqualTo("Gänse\u0000🦆");
            assertThat(metadata.get("empty")).isEqualTo("");
            assertThat(gguf.valueType("i16")).contains(GgufValueType.INT16);
            assertThat(gguf.elementType("i16")).isEmpty();
            assertThat(gguf.valueType("none")).isEmpty();
        }
    }

    @Test
    void everyArrayTypeComesBack() throws IOException {
        new GgufWriter()
                .putArray("u8", GgufValueType.UINT8, new int[] {0, 255})
                .putArray("i8", GgufValueType.INT8, List.of(-1, 1))
                .putArray("u16", GgufValueType.UINT16, new long[] {65535})
                .putArray("i16", GgufValueType.INT16, List.of(-2))
                .putArray("u32", GgufValueType.UINT32, new long[] {4294967295L})
                .putArray("i32", GgufValueType.INT32, new int[] {-3, 3})
                .putArray("u64", GgufValueType.UINT64, new long[] {Long.MAX_VALUE})
                .putArray("i64", GgufValueType.INT64, new long[] {Long.MIN_VALUE})
                .putArray("f32", GgufValueType.FLOAT32, new float[] {1.5f, Float.NEGATIVE_INFINITY})
                .putArray("f64", GgufValueType.FLOAT64, List.of(1e300, -0.0))
                .putArray("bool", GgufValueType.BOOL, List.of(true, false, true))
                .putArray("string", GgufValueType.STRING, List.of("a", "", "Gänse"))
                .putArray("empty", GgufValueType.STRING, List.of())
                .write(file());
        try (GgufFile gguf = GgufFile.open(file())) {
            Metadata metadata = gguf.metadata();
            assertThat(metadata.optionalLongs("u8")).containsExactly(0, 255);
            assertThat(metadata.optionalLongs("i8")).containsExactly(-1, 1);
            assertThat(metadata.optionalLongs("u16")).containsExactly(65535);
            assertThat(metadata.optionalLongs("i16")).containsExactly(-2);
            assertThat(metadata.optionalLongs("u32")).containsExactly(4294967295L);
            assertThat(metadata.optionalLongs("i32")).containsExactly(-3, 3);
            assertThat(metadata.optionalLongs("u64")).containsExactly(Long.MAX_VALUE);
            assertThat(metadata.optionalLongs("i64")).containsExactly(Long.MIN_VALUE);
            assertThat(metadata.optionalFloats("f32")).containsExactly(1.5f, Float.NEGATIVE_INFINITY);
            assertThat(metadata.get("f64")).isEqualTo(new double[] {1e300, -0.0});
            assertThat(metadata.optionalBooleans("bool")).containsExactly(true, false, true);
            StringArray strings = strings(metadata, "string");
            assertThat(List.of(strings.get(0), strings.get(1), strings.get(2))).containsExactly("a", "", "Gänse");
            assertThat(strings.bytes(2)).isEqualTo("Gänse".getBytes(StandardCharsets.UTF_8));
            assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> strings.get(3));
            assertThat(strings(metadata, "empty").size()).isZero();
            assertThat(gguf.valueType("u8")).contains(GgufValueType.ARRAY);
            assertThat(gguf.elementType("u8")).contains(GgufValueType.UINT8);
        }
    }

    @Test
    void tensorsOfEveryTypeComeBack() throws IOException {
        SplittableRandom random = new SplittableRandom(7);
        for (int alignment : new int[] {1, 32, 128, 1 << 20}) {
            Map<String, byte[]> data = new java.util.LinkedHashMap<>();
            GgufWriter writer = new GgufWriter().alignment(alignment).version(2);
            for (DType dtype : DType.values()) {
                if (!dtype.isRemoved()) {
                    Shape shape = Shape.of(2L * dtype.blockSize(), 3);
                    byte[] bytes = new byte[(int) dtype.byteSize(shape.elements())];
                    random.nextBytes(bytes);
                    data.put(dtype.name(), bytes);
                    writer.tensor(dtype.name(), dtype, shape, GgufWriter.TensorData.of(MemorySegment.ofArray(bytes)));
                }
            }
            writer.write(file());
            try (GgufFile gguf = GgufFile.open(file())) {
                assertThat(gguf.version()).isEqualTo(2);
                assertThat(gguf.alignment()).isEqualTo(alignment);
                assertThat(gguf.fileSize()).isEqualTo(Files.size(file()));
                assertThat(gguf.tensors()).extracting(Tensor::name).containsExactlyElementsOf(data.keySet());
                for (Tensor tensor : gguf.tensors()) {
                    assertThat(tensor.dtype().name()).isEqualTo(tensor.name());
                    assertThat(tensor.shape())
                            .isEqualTo(Shape.of(2L * tensor.dtype().blockSize(), 3));
                    assertThat(tensor.data().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(data.get(tensor.name()));
                }
                for (GgufTensorInfo info : gguf.tensorInfos()) {
                    assertThat(info.offset() % alignment).isZero();
                    assertThat(info.file()).isEqualTo(file());
                }
            }
        }
    }

    @Test
    void floatsAreLittleEndian() throws IOException {
        new GgufWriter()
                .tensor("t", DType.F32, Shape.of(2), GgufWriter.TensorData.of(1f, -2f))
                .write(file());
        try (GgufFile gguf = GgufFile.open(file())) {
            assertThat(gguf.tensor("t").orElseThrow().data().toArray(ValueLayout.JAVA_BYTE))
                    .containsExactly(0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0);
            assertThat(gguf.tensor("u")).isEmpty();
        }
    }

    @Test
    void dataOfTheWrongSizeLeavesNoFile() {
        GgufWriter shorter =
                new GgufWriter().tensor("t", DType.F32, Shape.of(2), out -> out.write(ByteBuffer.allocate(7)));
        assertThatIllegalStateException()
                .isThrownBy(() -> shorter.write(file()))
                .withMessage("the data of 't' has 8 bytes, but 7 were written");
        GgufWriter longer = new GgufWriter().tensor("t", DType.F32, Shape.of(2), GgufWriter.TensorData.of(1, 2, 3));
        assertThatIllegalStateException()
                .isThrownBy(() -> longer.write(file()))
                .withMessage("the data of 't' is longer than the tensor's shape and type say");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void misuseIsRefused() {
        GgufWriter writer = new GgufWriter();
        GgufWriter.TensorData nothing = GgufWriter.TensorData.of();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.put("k", GgufValueType.UINT8, 256))
                .withMessage("k: 256 does not fit UINT8");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.put("k", GgufValueType.INT8, 128))
                .withMessage("k: 128 does not fit INT8");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.putUint32("k", -1))
                .withMessage("k: -1 does not fit UINT32");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.put("k", GgufValueType.UINT64, -1L))
                .withMessage("k: -1 does not fit UINT64");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.put("k", GgufValueType.STRING, 1))
                .withMessage("k: Integer is no STRING");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.put("k", GgufValueType.INT32, 1.5))
                .withMessage("k: Double is no INT32");
        assertThatIllegalArgumentException().isThrownBy(() -> writer.put("k", GgufValueType.ARRAY, List.of()));
        assertThatIllegalArgumentException().isThrownBy(() -> writer.putArray("k", GgufValueType.ARRAY, List.of()));
        assertThatIllegalArgumentException().isThrownBy(() -> writer.putArray("k", GgufValueType.INT8, "text"));
        assertThatIllegalArgumentException().isThrownBy(() -> writer.putString("", "empty key"));
        assertThatIllegalArgumentException().isThrownBy(() -> writer.putUint32("general.alignment", 32));
        assertThatIllegalArgumentException().isThrownBy(() -> writer.alignment(48));
        assertThatIllegalArgumentException().isThrownBy(() -> writer.alignment(1 << 21));
        assertThatIllegalArgumentException().isThrownBy(() -> writer.version(1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.tensor("n".repeat(64), DType.F32, Shape.of(1), nothing));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.tensor("t", DType.Q4_0, Shape.of(33), nothing))
                .withMessageContaining("Q4_0");
        writer.tensor("t", DType.F32, Shape.of(0), nothing);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.tensor("t", DType.F32, Shape.of(0), nothing))
                .withMessage("there is a tensor 't' already");
    }

    @Test
    void metadataIsCopiedAsItStands() throws IOException {
        Path source = folder.resolve("source.gguf");
        new GgufWriter()
                .alignment(64)
                .put("i16", GgufValueType.INT16, -1)
                .putArray("strings", GgufValueType.STRING, List.of("a", "b"))
                .putString("drop", "x")
                .putString("name", "old")
                .write(source);
        try (GgufFile gguf = GgufFile.open(source)) {
            new GgufWriter()
                    .putAll(gguf, key -> !key.equals("drop"))
                    .putString("name", "new")
                    .write(file());
        }
        try (GgufFile gguf = GgufFile.open(file())) {
            assertThat(gguf.alignment()).isEqualTo(32);
            assertThat(gguf.metadata().keys()).containsExactly("i16", "strings", "name");
            assertThat(gguf.valueType("i16")).contains(GgufValueType.INT16);
            assertThat(strings(gguf.metadata(), "strings").get(1)).isEqualTo("b");
            assertThat(gguf.metadata().requireString("name")).isEqualTo("new");
        }
    }

    /** A type in the file that a reader of the key does not expect, as in CVE-2024-8063. */
    @Test
    void valueOfAnotherTypeIsNamed() throws IOException {
        new GgufWriter().putString("llama.block_count", "many").write(file());
        try (GgufFile gguf = GgufFile.open(file())) {
            assertThatExceptionOfType(ModelFormatException.class)
                    .isThrownBy(() -> gguf.metadata().requireInt("llama.block_count"))
                    .withMessage(file() + ": llama.block_count: expected an integer, found a string of 4 characters");
        }
    }

    @Test
    void largeVocabularyIsLazy() throws IOException {
        List<String> tokens = new ArrayList<>();
        for (int i = 0; i < 256_000; i++) {
            tokens.add("token" + i);
        }
        new GgufWriter().putArray("tokens", GgufValueType.STRING, tokens).write(file());
        try (GgufFile gguf = GgufFile.open(file())) {
            StringArray array = strings(gguf.metadata(), "tokens");
            assertThat(array.size()).isEqualTo(tokens.size());
            for (int i = 0; i < tokens.size(); i += 997) {
                assertThat(array.get(i)).isEqualTo(tokens.get(i));
            }
            assertThat(gguf.parseTime()).isPositive();
        }
    }
}
