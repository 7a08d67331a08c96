package dev.nibble.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.ModelFormatException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.cpu.quant.BlockFormat;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class GgufQuantizerTest {
    private static final int LAYERS = 16;

    @TempDir
    Path folder;

    private final Random random = new Random(42);
    private Path in = Path.of("");
    private Path out = Path.of("");

    @BeforeEach
    void paths() {
        in = folder.resolve("in.gguf");
        out = folder.resolve("out.gguf");
    }

    @Test
    void q4kmIsTheMixPeopleKnow() throws IOException {
        model(256, false).write(in);
        Map<String, String> types = quantize(QuantizationType.Q4_K_M);
        // The first and last eighth of 16 layers, and every third from the fifth on.
        List<Integer> more = List.of(0, 1, 4, 7, 10, 13, 14, 15);
        for (int layer = 0; layer < LAYERS; layer++) {
            String better = more.contains(layer) ? "Q6_K" : "Q4_K";
            assertThat(types)
                    .containsEntry("blk." + layer + ".attn_v.weight", better)
                    .containsEntry("blk." + layer + ".ffn_down.weight", better)
                    .containsEntry("blk." + layer + ".attn_q.weight", "Q4_K")
                    .containsEntry("blk." + layer + ".ffn_gate_inp.weight", "F32")
                    .containsEntry("blk." + layer + ".attn_norm.weight", "F32");
        }
        assertThat(types).containsEntry("output.weight", "Q6_K").containsEntry("token_embd.weight", "Q4_K");
    }

    @ParameterizedTest
    @CsvSource({
        "Q4_K_S, Q5_K, Q4_K, Q5_K, Q4_K, Q6_K",
        "Q5_K_S, Q5_K, Q5_K, Q5_K, Q5_K, Q6_K",
        "Q5_K_M, Q6_K, Q5_K, Q6_K, Q5_K, Q6_K",
        "Q6_K, Q6_K, Q6_K, Q6_K, Q6_K, Q6_K",
        "Q8_0, Q8_0, Q8_0, Q8_0, Q8_0, Q8_0",
        "Q4_0, Q4_0, Q4_0, Q4_0, Q4_0, Q6_K",
        "F16, F16, F16, F16, F16, F16",
        "F32, F32, F32, F32, F32, F32",
    })
    void mixes(QuantizationType type, String v0, String v5, String down0, String down5, String output)
            throws IOException {
        model(256, false).write(in);
        assertThat(quantize(type))
                .containsEntry("blk.0.attn_v.weight", v0)
                .containsEntry("blk.5.attn_v.weight", v5)
                .containsEntry("blk.0.ffn_down.weight", down0)
                .containsEntry("blk.5.ffn_down.weight", down5)
                .containsEntry("output.weight", output);
    }

    @Test
    void tiedEmbeddingsAreTreatedAsOutput() throws IOException {
        model(256, true).write(in);
        assertThat(quantize(QuantizationType.Q4_K_M)).containsEntry("token_embd.weight", "Q6_K");
    }

    @ParameterizedTest
    @CsvSource({
        "Q4_K_M, 96, Q5_0, Q8_0, Q8_0",
        "Q5_K_M, 96, Q5_1, Q8_0, Q8_0",
        "Q4_K_M, 40, F16, F16, F16",
        "Q8_0, 40, F16, F16, F16"
    })
    void rowsThatDoNotFillBlocksFallBack(QuantizationType type, int columns, String q, String v0, String output)
            throws IOException {
        model(columns, false).write(in);
        assertThat(quantize(type))
                .containsEntry("blk.3.attn_q.weight", q)
                .containsEntry("blk.0.attn_v.weight", v0)
                .containsEntry("output.weight", output);
    }

    @Test
    void expertsAndFusedTensors() throws IOException {
        GgufWriter writer = new GgufWriter()
                .putString("general.architecture", "llama")
                .putUint32("llama.block_count", 1)
                .putUint32("llama.expert_count", 8);
        for (String name :
                List.of("attn_v", "attn_k", "attn_q", "attn_qkv", "attn_output", "ffn_down_exps", "ssm_conv1d")) {
            writer.tensor("blk.0." + name + ".weight", DType.F16, Shape.of(256, 2, 2), values(DType.F16, random(1024)));
        }
        writer.tensor("blk.0.ids", DType.I32, Shape.of(2, 2), GgufWriter.TensorData.of(1, 2, 3, 4));
        writer.tensor("blk.0.attn_q.bias", DType.F16, Shape.of(2), values(DType.F16, new float[] {1, 2}));
        writer.write(in);
        assertThat(quantize(QuantizationType.Q4_K_M))
                .containsEntry("blk.0.attn_v.weight", "Q8_0")
                .containsEntry("blk.0.attn_k.weight", "Q8_0")
                .containsEntry("blk.0.attn_q.weight", "Q4_K")
                .containsEntry("blk.0.attn_qkv.weight", "Q5_K")
                .containsEntry("blk.0.attn_output.weight", "Q5_K")
                .containsEntry("blk.0.ffn_down_exps.weight", "Q6_K")
                .containsEntry("blk.0.ssm_conv1d.weight", "F16")
                .containsEntry("blk.0.ids", "I32")
                .containsEntry("blk.0.attn_q.bias", "F32");
    }

    @ParameterizedTest
    @EnumSource(QuantizationType.class)
    void weightsAreTheQuantizedInputToTheLastBit(QuantizationType type) throws IOException {
        model(256, false).write(in);
        GgufQuantizer.Result result = new GgufQuantizer(type).threads(3).quantize(in, out);
        long bytes = 0;
        try (GgufFile source = GgufFile.open(in);
                GgufFile target = GgufFile.open(out)) {
            assertThat(target.tensors().stream().map(Tensor::name))
                    .containsExactlyElementsOf(
                            source.tensors().stream().map(Tensor::name).toList());
            for (Tensor tensor : source.tensors()) {
                Tensor quantized = target.tensor(tensor.name()).orElseThrow();
                assertThat(quantized.shape()).isEqualTo(tensor.shape());
                assertThat(quantized.data().mismatch(stored(quantized.dtype(), floats(tensor))))
                        .as(tensor.name())
                        .isEqualTo(-1);
                bytes += quantized.data().byteSize();
            }
            assertThat(result.tensors()).isEqualTo(source.tensors().size());
        }
        assertThat(result.outputBytes()).isEqualTo(bytes);
        assertThat(result.bitsPerWeight()).isEqualTo(8.0 * bytes / result.elements());
        assertThat(folder).isDirectoryNotContaining("glob:**.part");
    }

    @Test
    void quantizedWeightsAreCloseToTheInput() throws IOException {
        model(256, false).write(in);
        new GgufQuantizer(QuantizationType.Q4_K_M).quantize(in, out);
        try (GgufFile source = GgufFile.open(in);
                GgufFile target = GgufFile.open(out)) {
            for (Tensor tensor : source.tensors()) {
                Tensor quantized = target.tensor(tensor.name()).orElseThrow();
                float[] expected = floats(tensor);
                float[] actual = floats(quantized);
                double error = 0;
                double total = 0;
                for (int i = 0; i < expected.length; i++) {
                    error += Math.pow(expected[i] - actual[i], 2);
                    total += Math.pow(expected[i], 2);
                }
                double limit = quantized.dtype() == DType.F32 ? 0 : quantized.dtype() == DType.Q6_K ? 0.02 : 0.08;
                assertThat(Math.sqrt(error / total)).as(tensor.name()).isLessThanOrEqualTo(limit);
            }
        }
    }

    @Test
    void aTensorOfManyPiecesIsTheSameWithAnyNumberOfThreads() throws IOException {
        float[] values = random(256 * 4000);
        new GgufWriter()
                .putString("general.architecture", "llama")
                .tensor("a.weight", DType.F32, Shape.of(256, 4000), GgufWriter.TensorData.of(values))
                .write(in);
        List<GgufQuantizer.Progress> reports = new ArrayList<>();
        new GgufQuantizer(QuantizationType.Q4_K_S)
                .threads(1)
                .onProgress(reports::add)
                .quantize(in, out);
        Path other = folder.resolve("other.gguf");
        new GgufQuantizer(QuantizationType.Q4_K_S).threads(5).quantize(in, other);
        assertThat(out).hasSameBinaryContentAs(other);
        try (GgufFile target = GgufFile.open(out)) {
            assertThat(target.tensor("a.weight").orElseThrow().data().mismatch(stored(DType.Q4_K, values)))
                    .isEqualTo(-1);
        }
        assertThat(reports).hasSizeGreaterThan(3).allSatisfy(report -> {
            assertThat(report.name()).isEqualTo("a.weight");
            assertThat(report.from()).isEqualTo(DType.F32);
            assertThat(report.to()).isEqualTo(DType.Q4_K);
            assertThat(report.tensor()).isEqualTo(1);
            assertThat(report.tensors()).isEqualTo(1);
            assertThat(report.elements()).isEqualTo(values.length);
        });
        assertThat(reports.stream().map(GgufQuantizer.Progress::elementsDone)).isSorted();
        assertThat(reports.getFirst().elementsDone()).isZero();
        assertThat(reports.getLast().elementsDone()).isEqualTo(values.length);
    }

    @Test
    void metadataAreKeptButForTheLabels() throws IOException {
        model(256, false)
                .putUint32("general.file_type", 0)
                .putArray("tokenizer.ggml.tokens", GgufValueType.STRING, List.of("a", "b"))
                .alignment(64)
                .write(in);
        new GgufQuantizer(QuantizationType.Q5_K_M).quantize(in, out);
        try (GgufFile source = GgufFile.open(in);
                GgufFile target = GgufFile.open(out)) {
            assertThat(target.alignment()).isEqualTo(64);
            assertThat(target.metadata().requireInt("general.file_type")).isEqualTo(17);
            assertThat(target.metadata().requireInt("general.quantization_version"))
                    .isEqualTo(2);
            assertThat(target.metadata().requireString("general.architecture")).isEqualTo("llama");
            assertThat(target.metadata().optionalStrings("tokenizer.ggml.tokens"))
                    .isNotNull()
                    .satisfies(tokens -> assertThat(tokens.size()).isEqualTo(2));
            assertThat(target.metadata().keys()).containsAll(source.metadata().keys());
        }
    }

    @Test
    void quantizingTwiceHasToBeAllowed() throws IOException {
        model(256, false).write(in);
        Path q8 = folder.resolve("q8.gguf");
        new GgufQuantizer(QuantizationType.Q8_0).quantize(in, q8);
        assertThatThrownBy(() -> new GgufQuantizer(QuantizationType.Q4_0).quantize(q8, out))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContainingAll("q8.gguf", "token_embd.weight is quantized already (Q8_0)", "to Q4_0");
        assertThat(out).doesNotExist();
        new GgufQuantizer(QuantizationType.Q8_0).quantize(q8, out);
        assertThat(out).hasSameBinaryContentAs(q8);
        new GgufQuantizer(QuantizationType.F32).quantize(q8, out);
        new GgufQuantizer(QuantizationType.Q4_0).allowRequantize(true).quantize(q8, out);
        try (GgufFile target = GgufFile.open(out)) {
            assertThat(target.tensor("token_embd.weight").orElseThrow().dtype()).isEqualTo(DType.Q4_0);
        }
    }

    @Test
    void aWeightThatIsNoNumberIsRefusedAndLeavesNoFile() throws IOException {
        float[] values = random(256 * 300);
        values[70_000] = Float.NaN;
        new GgufWriter()
                .putString("general.architecture", "llama")
                .tensor("blk.0.attn_q.weight", DType.F32, Shape.of(256, 300), GgufWriter.TensorData.of(values))
                .write(in);
        assertThatThrownBy(() -> new GgufQuantizer(QuantizationType.Q4_0).quantize(in, out))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContainingAll(
                        "in.gguf",
                        "blk.0.attn_q.weight cannot be stored as Q4_0",
                        "from 65536 on",
                        "value 4464 is NaN");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(in);
        }
    }

    @Test
    void misuseIsRefused() throws IOException {
        model(256, false).write(in);
        GgufQuantizer quantizer = new GgufQuantizer(QuantizationType.Q8_0);
        assertThatThrownBy(() -> quantizer.quantize(in, folder.resolve(".").resolve("in.gguf")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is the input");
        assertThatThrownBy(() -> quantizer.threads(0)).isInstanceOf(IllegalArgumentException.class);
        assertThat(QuantizationType.ofName("q4_k_m")).contains(QuantizationType.Q4_K_M);
        assertThat(QuantizationType.ofName("Q5_K")).contains(QuantizationType.Q5_K_M);
        assertThat(QuantizationType.ofName("q6_k")).contains(QuantizationType.Q6_K);
        assertThat(QuantizationType.ofName("Q7")).isEmpty();
    }

    private Map<String, String> quantize(QuantizationType type) throws IOException {
        Map<String, DType> plan;
        try (GgufFile model = GgufFile.open(in)) {
            plan = new GgufQuantizer(type).plan(model);
        }
        new GgufQuantizer(type).threads(2).quantize(in, out);
        try (GgufFile model = GgufFile.open(out)) {
            assertThat(model.tensors().stream().collect(Collectors.toMap(Tensor::name, Tensor::dtype)))
                    .isEqualTo(plan);
        }
        return plan.entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, entry -> entry.getValue().name(), (a, b) -> b, TreeMap::new));
    }

    private GgufWriter model(int columns, boolean tied) {
        GgufWriter writer =
                new GgufWriter().putString("general.architecture", "llama").putUint32("llama.block_count", LAYERS);
        Function<Integer, float[]> rows = count -> random(count * columns);
        writer.tensor("token_embd.weight", DType.F32, Shape.of(columns, 8), GgufWriter.TensorData.of(rows.apply(8)));
        for (int layer = 0; layer < LAYERS; layer++) {
            String prefix = "blk." + layer + ".";
            writer.tensor(
                    prefix + "attn_norm.weight", DType.F32, Shape.of(columns), GgufWriter.TensorData.of(rows.apply(1)));
            for (String name : List.of("attn_q", "attn_v", "ffn_gate_inp", "ffn_down")) {
                writer.tensor(
                        prefix + name + ".weight",
                        DType.F32,
                        Shape.of(columns, 2),
                        GgufWriter.TensorData.of(rows.apply(2)));
            }
        }
        if (!tied) {
            writer.tensor("output.weight", DType.F32, Shape.of(columns, 8), GgufWriter.TensorData.of(rows.apply(8)));
        }
        return writer;
    }

    private float[] random(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static float[] floats(Tensor tensor) {
        float[] values = new float[(int) tensor.shape().elements()];
        tensor.dequantizeRows(0, (int) tensor.rows(), values, 0);
        return values;
    }

    private static MemorySegment stored(DType dtype, float[] values) {
        MemorySegment data = MemorySegment.ofArray(new byte[(int) dtype.byteSize(values.length)]);
        BlockFormat.of(dtype).quantize(values, 0, values.length, data, 0);
        return data;
    }

    private static GgufWriter.TensorData values(DType dtype, float[] values) {
        return GgufWriter.TensorData.of(stored(dtype, values));
    }
}
