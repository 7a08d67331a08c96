package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.EmbeddingModel;
import dev.nibble.LanguageModel;
import dev.nibble.UnsupportedModelException;
import dev.nibble.gguf.GgufQuantizer;
import dev.nibble.gguf.GgufValueType;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.gguf.QuantizationType;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files in the format of a model that are none say what they are, wherever a model is asked for. */
class OtherFilesTest {
    @TempDir
    Path folder;

    private static Arguments file(String what, Consumer<GgufWriter> content) {
        return Arguments.argumentSet(what, what, content);
    }

    private static GgufWriter tensor(GgufWriter writer, String name) {
        return writer.tensor(name, DType.F32, Shape.of(4), GgufWriter.TensorData.of(1, 2, 3, 4));
    }

    static Stream<Arguments> files() {
        return Stream.of(
                file(
                        "an adapter (LoRA)",
                        writer -> tensor(
                                writer.putString("general.architecture", "llama")
                                        .putString("general.type", "adapter"),
                                "blk.0.attn_q.weight.lora_a")),
                file(
                        "an adapter (LoRA)",
                        writer -> tensor(
                                writer.putString("general.architecture", "llama"), "blk.0.attn_q.weight.lora_b")),
                file(
                        "an adapter (LoRA)",
                        writer -> tensor(writer.putString("adapter.type", "lora"), "something.weight")),
                file(
                        "the base model (Base 7B)",
                        writer -> tensor(
                                writer.putString("general.type", "adapter")
                                        .putString("general.base_model.0.name", "Base 7B"),
                                "something.weight")),
                file(
                        "a projector (mmproj)",
                        writer -> tensor(writer.putString("general.architecture", "clip"), "v.patch_embd.weight")),
                file(
                        "a projector (mmproj)",
                        writer -> tensor(writer.putString("general.type", "mmproj"), "v.patch_embd.weight")),
                file(
                        "an importance matrix (imatrix)",
                        writer -> tensor(writer.putString("general.type", "imatrix"), "blk.0.attn_q.weight.counts")),
                file("an importance matrix (imatrix)", writer -> tensor(writer, "blk.0.attn_q.weight.in_sum2")),
                file(
                        "a control vector",
                        writer -> tensor(writer.putString("general.architecture", "controlvector"), "direction.1")),
                file(
                        "a model that makes pictures or films",
                        writer -> tensor(writer.putString("general.architecture", "flux"), "img_in.weight")),
                file(
                        "a model that hears or speaks",
                        writer -> tensor(writer.putString("general.architecture", "whisper"), "encoder.conv1.weight")),
                file(
                        "a vocabulary: it has a tokenizer and no weights",
                        writer -> writer.putString("general.architecture", "llama")
                                .putArray("tokenizer.ggml.tokens", GgufValueType.STRING, List.of("a"))),
                file("this file has no weights", writer -> writer.putString("general.architecture", "llama")));
    }

    @ParameterizedTest
    @MethodSource("files")
    void saysWhatItIs(String what, Consumer<GgufWriter> content) throws IOException {
        Path file = folder.resolve("other.gguf");
        GgufWriter writer = new GgufWriter();
        content.accept(writer);
        writer.write(file);
        Path out = folder.resolve("out.gguf");
        GgufQuantizer quantizer = new GgufQuantizer(QuantizationType.F16);
        assertThatThrownBy(() -> LanguageModel.load(file))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("other.gguf: this ")
                .hasMessageContaining(what)
                .hasMessageContaining("; pass ");
        assertThatThrownBy(() -> EmbeddingModel.load(file)).hasMessageContaining(what);
        assertThatThrownBy(() -> quantizer.quantize(file, out)).hasMessageContaining(what);
        assertThat(out).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"gptoss", "GPT_OSS", "Llama", "LlamaForCausalLM", "nomic_bert"})
    void aNameSpeltOtherwiseIsExplained(String name) {
        Path file = folder.resolve("other.gguf");
        assertThatThrownBy(() -> {
                    tensor(new GgufWriter().putString("general.architecture", name), "token_embd.weight")
                            .write(file);
                    LanguageModel.load(file);
                })
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining(
                        "the architecture '" + name + "' is not supported; files that llama.cpp made call it '");
    }

    @Test
    void anotherNameIsNot() throws IOException {
        Path file = folder.resolve("other.gguf");
        tensor(new GgufWriter().putString("general.architecture", "gemma9"), "token_embd.weight")
                .write(file);
        assertThatThrownBy(() -> LanguageModel.load(file))
                .hasMessageContaining("the architecture 'gemma9' is not supported; supported are ");
    }

    /** Models may have low-rank matrices of their own, which do not make them adapters. */
    @Test
    void aModelWithLowRankMatricesIsNoAdapter() throws IOException {
        Path file = folder.resolve("switch.gguf");
        tensor(
                        new GgufWriter()
                                .putString("general.architecture", "graniteswitch")
                                .putString("general.type", "model"),
                        "blk.0.attn_q.lora_a")
                .write(file);
        assertThatThrownBy(() -> LanguageModel.load(file))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("switch.gguf")
                .hasMessageContaining("the architecture 'graniteswitch' is not supported");
    }
}
