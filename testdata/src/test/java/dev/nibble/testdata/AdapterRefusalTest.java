package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.ModelFormatException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufValueType;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.gguf.GgufWriter.TensorData;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Adapters that do not fit a model, or are damaged, are refused by name. */
class AdapterRefusalTest {
    @TempDir
    Path folder;

    private AdapterFiles files() {
        return new AdapterFiles(folder);
    }

    @Test
    void whatDoesNotFitIsRefusedByName() throws IOException {
        Path base = files().base("llama");
        Path other = files().base("qwen2");
        refused(base, files().adapter(other, 3), "architecture 'qwen2'", "llama.gguf is of 'llama'");
        refused(
                base,
                files().adapter(base, 4, w -> lowRank(w, "blk.9.attn_q.weight", 96, 128)),
                "blk.9.attn_q.weight",
                "does not have");
        refused(
                base,
                files().adapter(base, 5, w -> lowRank(w, "blk.0.ffn_norm.weight", 96, 128)),
                "blk.0.ffn_norm.weight.lora_b");
        refused(
                base,
                files().adapter(
                                base,
                                6,
                                w -> w.tensor(
                                        "output_norm.weight", DType.F32, Shape.of(96), TensorData.of(new float[96]))),
                "output_norm.weight",
                "replaces");
        refused(base, files().adapter(base, 7, w -> w.putString("adapter.type", "dora")), "'dora'");
        refused(
                base,
                files().adapter(
                                base,
                                8,
                                w -> w.putArray(
                                        "adapter.alora.invocation_tokens", GgufValueType.UINT32, List.of(1, 2))),
                "adapter.alora.invocation_tokens");
        refused(base, files().adapter(base, 9, w -> lowRank(w, "token_embd.weight", 4, 96)), "token_embd.weight");
        refused(base, base, "this is no adapter");
    }

    @Test
    void aDamagedAdapterIsRefusedByName() throws IOException {
        Path base = files().base("llama");
        Path halved = folder.resolve("halved.gguf");
        try (GgufFile source = GgufFile.open(files().adapter(base, 1))) {
            GgufWriter writer = new GgufWriter().putAll(source, key -> true);
            for (Tensor tensor : source.tensors()) {
                if (!tensor.name().equals("blk.0.attn_q.weight.lora_b")) {
                    writer.tensor(tensor.name(), tensor.dtype(), tensor.shape(), TensorData.of(tensor.data()));
                }
            }
            writer.write(halved);
        }
        assertThatThrownBy(() -> LanguageModel.load(base, LoadOptions.DEFAULT.withAdapter(halved)))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("halved.gguf")
                .hasMessageContaining("blk.0.attn_q.weight.lora_b is missing");
        Path without = files().adapter(base, 2, w -> w.remove("adapter.lora.alpha"));
        assertThatThrownBy(() -> LanguageModel.load(base, LoadOptions.DEFAULT.withAdapter(without)))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("adapter.lora.alpha");
        assertThatThrownBy(() -> LoadOptions.DEFAULT.withAdapter(halved).withAdapter(halved))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'halved'");
    }

    private static void lowRank(GgufWriter writer, String weight, int in, int out) {
        writer.tensor(
                weight + ".lora_a",
                DType.F32,
                Shape.of(in, AdapterFiles.RANK),
                TensorData.of(new float[in * AdapterFiles.RANK]));
        writer.tensor(
                weight + ".lora_b",
                DType.F32,
                Shape.of(AdapterFiles.RANK, out),
                TensorData.of(new float[AdapterFiles.RANK * out]));
    }

    private static void refused(Path base, Path adapter, String... parts) {
        assertThatThrownBy(() -> LanguageModel.load(base, LoadOptions.DEFAULT.withAdapter(adapter)))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining(String.valueOf(adapter.getFileName()))
                .satisfies(e -> assertThat(e.getMessage()).contains(parts));
    }
}
