package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.nibble.ModelFormatException;
import dev.nibble.NibbleException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufValueType;
import dev.nibble.model.Architectures;
import dev.nibble.model.Model;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a file holds and no part of the model asks for: refused by name, or of a sort that text does without. */
class LeftoversTest {
    private static final int CONTEXT = 256;

    /** Keys that some models have beside those they follow. */
    private static final Set<String> UNUSED = Set.of(
            "phi3.rope.scaling.original_context_length",
            "phi3.attention.sliding_window",
            "granitehybrid.rope.freq_base",
            "granitehybrid.rope.dimension_count",
            "kimi-linear.rope.freq_base",
            "kimi-k3.rope.freq_base",
            "glm5-next.rope.freq_base",
            "deepseek2.expert_feed_forward_length",
            "deepseek2.expert_shared_count");

    @TempDir
    static Path written;

    /** The models that are changed, each written once. */
    private static final Map<String, GgufFile> BASES = new HashMap<>();

    @TempDir
    Path folder;

    @AfterAll
    static void close() {
        BASES.values().forEach(GgufFile::close);
        BASES.clear();
    }

    private static GgufFile base(String name) throws IOException {
        GgufFile base = BASES.get(name);
        if (base == null) {
            base = HostileModel.open(name, written);
            BASES.put(name, base);
        }
        return base;
    }

    private static List<String> names() {
        return HostileModel.names();
    }

    private Model read(String name, Consumer<HostileModel> changes) throws IOException {
        Path file = folder.resolve("changed.gguf");
        HostileModel model = new HostileModel(base(name));
        changes.accept(model);
        model.write(file);
        try (GgufFile changed = GgufFile.open(file)) {
            return Architectures.read(changed, CONTEXT);
        }
    }

    private static void add(HostileModel model, String name) {
        model.putTensor(
                name, DType.F32, Shape.of(8), model.tensor("token_embd.weight").data());
    }

    private static void copyBlock(HostileModel model, int from, int to) {
        for (String name : model.tensorNames()) {
            if (name.startsWith("blk." + from + ".")) {
                Tensor tensor = model.tensor(name);
                String copy = "blk." + to + name.substring(("blk." + from).length());
                model.putTensor(copy, tensor.dtype(), tensor.shape(), tensor.data());
            }
        }
    }

    private static long blockCount(HostileModel model) {
        return model.base().metadata().requireInt(model.architecture() + ".block_count");
    }

    @ParameterizedTest
    @MethodSource("names")
    void aTensorThatNothingReadsIsRefused(String name) throws IOException {
        for (String tensor : List.of(
                "blk.0.attn_sub_norm.weight", "blk.1.ffn_norm.shift", "output_norm.gain", "somewhere.else.weight")) {
            assertThatThrownBy(() -> read(name, model -> add(model, tensor)))
                    .as(tensor)
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining("changed.gguf")
                    .hasMessageContaining("the tensor " + tensor)
                    .hasMessageContaining(TinyModels.names().contains(name) ? TinyModels.architecture(name) : "");
        }
    }

    @Test
    void manyTensorsAreCountedAndSomeNamed() {
        assertThatThrownBy(() -> read("llama", model -> {
                    for (int i = 0; i < 9; i++) {
                        add(model, "extra." + i);
                    }
                }))
                .hasMessageContaining("the 9 tensors extra.0, extra.1, extra.2, extra.3 and 5 more");
    }

    @ParameterizedTest
    @MethodSource("names")
    void partsThatTextDoesWithoutArePassedOver(String name) throws IOException {
        Model model = read(name, changed -> {
            for (String tensor : List.of(
                    "v.blk.0.attn_q.weight",
                    "a.blk.0.ln1.weight",
                    "mm.0.weight",
                    "mtp.fc.weight",
                    "cls.output.weight",
                    "blk.0.attn_q.input_scale",
                    "blk.0.attn_rot_embd.weight")) {
                add(changed, tensor);
            }
        });
        assertThat(model.blocks()).isNotEmpty();
    }

    /** All but those whose two stacks of blocks have names of their own. */
    static List<String> namesOfOneStack() {
        return names().stream().filter(name -> !name.startsWith("t5")).toList();
    }

    @ParameterizedTest
    @MethodSource("namesOfOneStack")
    void aBlockBeyondTheCountIsRefused(String name) {
        assertThatThrownBy(() -> read(name, model -> copyBlock(model, 0, (int) blockCount(model))))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining(".block_count: ")
                .hasMessageContaining("blk.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"qwen35", "qwen35moe", "glm4", "llama"})
    void anOrdinaryBlockIsNotTakenForOneThatPredicts(String name) {
        for (int predicting : new int[] {1, -1}) {
            assertThatThrownBy(() -> read(name, model -> model.set("%s.nextn_predict_layers", predicting)))
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining("nextn_predict_layers");
        }
        assertThatThrownBy(() -> read(name, model -> add(model, "blk.0.nextn.enorm.weight")))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("blk.0.nextn.enorm.weight");
    }

    @Test
    void mapsOfLayersThatShareKeysArePassedOver() throws IOException {
        Model model = read("gemma4", changed -> {
            int last = (int) blockCount(changed) - 1;
            for (String name : List.of("attn_k.weight", "attn_v.weight", "attn_k_norm.weight")) {
                add(changed, "blk." + last + "." + name);
            }
        });
        assertThat(model.blocks()).isNotEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "qwen2, attention.scale, 0.3",
        "qwen2, logit_scale, 0.5",
        "llama, final_logit_softcapping, 30",
        "gemma3, attn_logit_softcapping, 50",
        "qwen3, attention.sliding_window, 16",
        "llama, attention.clamp_kqv, 1.5",
        "llama, attention.max_alibi_bias, 8",
        "llama, residual_scale, 0.3",
        "qwen2, embedding_scale, 12",
        "smollm3, attention.temperature_scale, 0.1",
        "gemma2, rope.freq_base_swa, 5000",
        "qwen3moe, expert_weights_norm, 0",
        "qwen3moe, expert_gating_func, 2",
        "gpt-oss, swiglu_clamp_exp, 3",
        "granite, attention.shared_kv_layers, 2"
    })
    void aNumberThatTheArchitectureDoesNotFollowIsRefused(String name, String key, float value) {
        String whole = TinyModels.architecture(name) + "." + key;
        assertThatThrownBy(() -> read(name, model -> {
                    if (key.endsWith("_norm")) {
                        model.set("%s." + key, GgufValueType.BOOL, false);
                    } else if (key.endsWith("func") || key.endsWith("window") || key.endsWith("layers")) {
                        model.set("%s." + key, (long) value);
                    } else {
                        model.set("%s." + key, value);
                    }
                }))
                .isInstanceOf(NibbleException.class)
                .hasMessageContaining("changed.gguf: " + whole + ": ");
    }

    @ParameterizedTest
    @CsvSource({
        "qwen2, attention.scale, 0",
        "qwen2, attention.scale, 0.17677669", // 1 / sqrt(32)
        "qwen2, logit_scale, 1",
        "llama, attention.sliding_window, 16", // which no program follows in such files
        "phi3, attention.sliding_window, 16",
        "qwen3, attention.sliding_window, 4096", // beyond the context
        "gemma2, rope.freq_base_swa, 10000",
        "qwen3moe, expert_gating_func, 3" // the same, as the weights are normalized
    })
    void aNumberThatChangesNothingIsNot(String name, String key, float value) throws IOException {
        Model model = read(name, changed -> {
            if (key.endsWith("func") || key.endsWith("window")) {
                changed.set("%s." + key, (long) value);
            } else {
                changed.set("%s." + key, value);
            }
        });
        assertThat(model.blocks()).isNotEmpty();
    }

    /** Every number of every architecture: one that makes no sense is refused by its key. */
    @ParameterizedTest
    @MethodSource("names")
    void numbersThatMakeNoSenseAreRefusedByName(String name) throws IOException {
        List<String> accepted = new ArrayList<>();
        try (GgufFile base = HostileModel.open(name, folder)) {
            String prefix = base.metadata().requireString("general.architecture") + ".";
            for (String key : base.metadata().keys()) {
                Object value = base.metadata().get(key);
                if (!key.startsWith(prefix)
                        || UNUSED.contains(key)
                        || key.matches(".*\\.(vocab_size|pooling_type|dense_\\d_feat_\\w+)")) {
                    continue;
                }
                if (value instanceof Double) {
                    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, -1}) {
                        boolean usual = bad == -1 && key.endsWith("kda.gate_lower_bound");
                        if (!usual && !isRefused(name, key, model -> model.set(key, bad))) {
                            accepted.add(key + " = " + bad);
                        }
                    }
                } else if (value instanceof Long) {
                    for (long bad : new long[] {-1, Long.MIN_VALUE, 1L << 40}) {
                        if (!isRefused(name, key, model -> model.set(key, bad))) {
                            accepted.add(key + " = " + bad);
                        }
                    }
                }
            }
        }
        assertThat(accepted).isEmpty();
    }

    /** Whether the change makes the model be refused with a message about the key. */
    private boolean isRefused(String name, String key, Consumer<HostileModel> change) {
        return catchThrowable(() -> read(name, change)) instanceof NibbleException e
                && String.valueOf(e.getMessage()).contains(key + ": ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"attention.layer_norm_rms_epsilon", "rope.freq_base"})
    void zeroWhereItMakesNoSense(String key) {
        assertThat(isRefused("llama", "llama." + key, model -> model.set("%s." + key, 0f)))
                .isTrue();
    }

    @Test
    void headsThatDoNotDivideTheWidth() {
        assertThatThrownBy(() -> read(
                        "llama",
                        model -> model.remove("%s.attention.key_length")
                                .remove("%s.attention.value_length")
                                .set("%s.attention.head_count", 5)
                                .set("%s.attention.head_count_kv", 5)))
                .hasMessageContaining("llama.attention.head_count: 5 heads cannot share the 96 elements");
    }
}
