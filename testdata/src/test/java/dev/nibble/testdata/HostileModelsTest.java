package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.nibble.ActivationType;
import dev.nibble.EmbeddingModel;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.NibbleException;
import dev.nibble.Session;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufValueType;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Well-formed files that hold a senseless model: they are refused with an exception that names the file and what is
 * wrong, or they run; nothing else comes of them.
 *
 * <p>{@code -Dnibble.fuzz.seconds=600} for a long run, {@code -Dnibble.fuzz.seed} for another one. A failure prints its
 * seed and the changes. {@code -Dnibble.fuzz.models=FOLDER}: the GGUF files of a folder are changed too.
 */
@Timeout(value = 60, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostileModelsTest {
    private static final long SEED = Long.getLong("nibble.fuzz.seed", 1);
    private static final Duration LENGTH = Duration.ofSeconds(Long.getLong("nibble.fuzz.seconds", 4));
    /** More than the longest prompt and what is generated. */
    private static final int CONTEXT = 160;

    /** Far beyond what a case takes, were the machine busy with other things. */
    private static final long SLOW_NANOS = Duration.ofMinutes(3).toNanos();

    @TempDir
    Path folder;

    private Path write(String name, Consumer<HostileModel> changes) throws IOException {
        Path file = folder.resolve("hostile.gguf");
        try (GgufFile base = HostileModel.open(name, folder)) {
            HostileModel model = new HostileModel(base);
            changes.accept(model);
            model.write(file);
        }
        return file;
    }

    private void refused(String name, String problem, Consumer<HostileModel> changes) throws IOException {
        Path file = write(name, changes);
        assertThatThrownBy(() -> HostileUse.generate(file, LoadOptions.DEFAULT.withThreads(1)))
                .isInstanceOf(NibbleException.class)
                .hasMessageContaining("hostile.gguf")
                .hasMessageContaining(problem);
    }

    @Test
    void changedModelsRunOrAreRefused() throws IOException {
        List<GgufFile> bases = new ArrayList<>();
        for (String name : HostileModel.names()) {
            bases.add(HostileModel.open(name, folder));
        }
        String more = System.getProperty("nibble.fuzz.models");
        if (more != null) {
            try (Stream<Path> files = Files.list(Path.of(more))) {
                for (Path file : files.filter(each -> each.toString().endsWith(".gguf"))
                        .sorted()
                        .toList()) {
                    bases.add(GgufFile.open(file));
                }
            }
        }
        long end = System.nanoTime() + LENGTH.toNanos();
        int runs = 0;
        int worked = 0;
        while (System.nanoTime() < end || runs < 100) {
            long seed = SEED + runs;
            SplittableRandom random = new SplittableRandom(seed);
            HostileModel model = new HostileModel(bases.get(random.nextInt(bases.size())));
            new ModelMutator(random).mutate(model);
            Path file = folder.resolve("hostile.gguf");
            model.write(file);
            long start = System.nanoTime();
            try {
                worked += HostileUse.all(
                        file,
                        random.nextBoolean() ? OptionalInt.empty() : OptionalInt.of(CONTEXT),
                        random.nextBoolean() ? ActivationType.Q8 : ActivationType.F32);
            } catch (RuntimeException | Error e) {
                fail("seed " + seed + ", " + model.architecture() + ": " + model, e);
            }
            assertThat(System.nanoTime() - start)
                    .as("seed %d, %s: %s", seed, model.architecture(), model)
                    .isLessThan(SLOW_NANOS);
            runs++;
        }
        bases.forEach(GgufFile::close);
        System.out.println("hostile models: " + runs + " from seed " + SEED + ", " + worked + " uses worked");
        assertThat(worked).as("uses that worked in %d runs", runs).isBetween(runs / 10, 2 * runs - 1);
    }

    static List<String> templates() {
        return ModelMutator.TEMPLATES;
    }

    @ParameterizedTest
    @MethodSource("templates")
    void chatTemplates(String template) throws IOException {
        Path file = write("llama", model -> model.set("tokenizer.chat_template", template));
        // what becomes of the conversation is up to the template; the model runs without it
        HostileUse.generate(file, LoadOptions.DEFAULT.withThreads(1).withContextLength(CONTEXT));
    }

    @Test
    void longContextCostsNothingBeforeItIsUsed() throws IOException {
        Path file = write("llama", model -> model.set("%s.context_length", Integer.MAX_VALUE));
        try (LanguageModel model = LanguageModel.load(file);
                Session first = model.newSession();
                Session second = model.newSession()) {
            assertThat(first.contextLength()).isEqualTo(Integer.MAX_VALUE);
            assertThat(first.generate("Hello").stats().promptTokens()).isPositive();
            assertThat(second.evaluate(new int[300], false)).hasSize(288);
        }
    }

    @Test
    void longContextOfAnEncoder() throws IOException {
        Path file = write("nomic-bert", model -> model.set("%s.context_length", Integer.MAX_VALUE));
        try (EmbeddingModel model = EmbeddingModel.load(file)) {
            assertThat(model.embed("Hello")).hasSize(model.dimensions());
        }
    }

    @Test
    void sharedKvLayers() throws IOException {
        for (long count : new long[] {-1, 65536, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            for (String name : List.of("gemma3n", "gemma4")) {
                refused(name, "attention.shared_kv_layers: expected 0 to", model -> {
                    model.set("%s.attention.shared_kv_layers", count);
                });
            }
        }
    }

    @Test
    void sharedKeysOfAnotherSize() throws IOException {
        refused(
                "gemma4",
                "cannot use the keys and values of layer",
                model -> model.setArray(
                        "%s.attention.head_count_kv", GgufValueType.INT64, List.of(2L, 2L, 2L, 2L, 1L, 1L)));
    }

    @Test
    void sectionsWithoutADimensionCount() throws IOException {
        Path file = write("qwen35", model -> model.remove("%s.rope.dimension_count"));
        HostileUse.generate(file, LoadOptions.DEFAULT.withThreads(1));
    }

    @Test
    void recurrentLayersTooShort() throws IOException {
        refused(
                "qwen35",
                "attention.recurrent_layers: expected an entry for each of",
                model -> model.setArray("%s.attention.recurrent_layers", GgufValueType.BOOL, List.of(true)));
    }

    @Test
    void widthsThatOverflow() throws IOException {
        for (long length : new long[] {Integer.MAX_VALUE, 1 << 30, (1 << 30) + 32}) {
            refused("llama", "blk.0.attn_q.weight", model -> model.set("%s.attention.key_length", length));
        }
        refused("llama", "blk.0.ffn_down.weight", model -> model.set("%s.feed_forward_length", Integer.MAX_VALUE));
        refused("gemma4", "blk.0.inp_gate.weight", model -> {
            model.set("%s.embedding_length_per_layer_input", Integer.MAX_VALUE);
        });
    }

    @Test
    void sharedExpertsOutOfProportion() throws IOException {
        refused("glm4moe", "glm4moe.expert_shared_count: expected a number that times", model -> {
            model.set("%s.expert_shared_count", 1 << 30);
        });
    }

    @Test
    void headCounts() throws IOException {
        refused("llama", "llama.attention.head_count: 1073741824 heads", model -> {
            model.set("%s.attention.head_count", 1 << 30);
        });
        refused("llama", "llama.attention.head_count: 4 heads cannot share 3", model -> {
            model.set("%s.attention.head_count_kv", 3);
        });
    }

    @Test
    void recurrentStateOutOfProportion() throws IOException {
        refused("granitehybrid", "granitehybrid.ssm.state_size: the recurrent state", model -> {
            model.set("%s.ssm.state_size", 1 << 30);
        });
        refused("qwen35", "qwen35.ssm.state_size: ", model -> {
            model.set("%s.ssm.state_size", 1 << 20)
                    .set(
                            "%s.ssm.inner_size",
                            (1 << 20) * (long) model.base().metadata().requireInt("qwen35.ssm.time_step_rank"));
        });
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"Q8_1", "Q8_K"})
    void typesOfActivations(DType dtype) throws IOException {
        for (String name :
                List.of("token_embd.weight", "blk.0.attn_q.weight", "blk.0.attn_norm.weight", "output.weight")) {
            refused(
                    "llama",
                    name + ": tensor type " + dtype,
                    model -> model.putTensor(
                            name,
                            dtype,
                            Shape.of(256, model.tensor(name).rows()),
                            model.tensor(name).data()));
        }
    }

    @Test
    void emptyTensors() throws IOException {
        refused("llama", "the tensor token_embd.weight of shape [128, 0] is empty", model -> {
            model.reshape("token_embd.weight", 128, 0);
        });
        refused("llama", "the tensor output.weight of shape [1099511627776, 0] is empty", model -> {
            model.reshape("output.weight", 1L << 40, 0);
        });
        refused("gemma3n", "the tensor blk.0.laurel_l.weight of shape", model -> {
            model.reshape("blk.0.laurel_l.weight", 64, 0);
        });
    }

    @Test
    void tokenTypesOfAnotherWidth() throws IOException {
        Path file = write("bert", model -> model.reshape("token_types.weight", 1, 2));
        assertThatThrownBy(() -> EmbeddingModel.load(file))
                .isInstanceOf(NibbleException.class)
                .hasMessageContaining("hostile.gguf")
                .hasMessageContaining("token_types.weight");
    }

    /** Where the width of a head follows from their number, a layer may have heads too narrow for the rotation. */
    @Test
    void rotationWiderThanAHead() throws IOException {
        refused("qwen2", "a rotation of", model -> {
            long heads = model.base().metadata().requireInt("qwen2.attention.head_count");
            model.remove("%s.attention.key_length")
                    .remove("%s.attention.value_length")
                    .setArray("%s.attention.head_count", GgufValueType.INT64, List.of(heads, 2 * heads, heads, heads))
                    .setArray(
                            "%s.attention.head_count_kv", GgufValueType.INT64, List.of(heads, 2 * heads, heads, heads));
            long hidden = model.base().metadata().requireInt("qwen2.embedding_length");
            for (String name : List.of("attn_q", "attn_k", "attn_v", "attn_output")) {
                for (int layer = 0; layer < 2; layer++) {
                    model.reshape("blk." + layer + "." + name + ".weight", hidden, hidden)
                            .removeTensor("blk." + layer + "." + name + ".bias");
                }
            }
        });
    }
}
