package dev.nibble.testdata;

import dev.nibble.gguf.GgufValueType;
import dev.nibble.model.StringArray;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeSet;

/** Changes models at random, at the places and to the values that are most likely to do harm. */
final class ModelMutator {
    private static final List<Long> INTEGERS = List.of(
            0L,
            1L,
            -1L,
            2L,
            3L,
            7L,
            31L,
            33L,
            64L,
            255L,
            256L,
            4095L,
            4097L,
            65536L,
            1L << 20,
            1L << 30,
            (1L << 31) - 1,
            -(1L << 31),
            1L << 31,
            (1L << 32) - 1,
            1L << 32,
            (1L << 32) + 1,
            Long.MAX_VALUE,
            Long.MIN_VALUE);

    private static final List<Float> FLOATS = List.of(
            0f,
            -0f,
            1f,
            -1f,
            Float.MIN_NORMAL,
            Float.MIN_VALUE,
            Float.MAX_VALUE,
            -Float.MAX_VALUE,
            0.5f,
            10000f,
            Float.NaN,
            Float.POSITIVE_INFINITY,
            Float.NEGATIVE_INFINITY);

    /** Keys that a model may have beside its own; %s is the architecture. */
    private static final List<String> MORE_KEYS = List.of(
            "%s.attention.key_length",
            "%s.attention.value_length",
            "%s.attention.key_length_swa",
            "%s.attention.key_length_mla",
            "%s.attention.value_length_mla",
            "%s.attention.kv_lora_rank",
            "%s.attention.q_lora_rank",
            "%s.attention.sliding_window",
            "%s.attention.sliding_window_pattern",
            "%s.attention.shared_kv_layers",
            "%s.attention.causal",
            "%s.attention.scale",
            "%s.attention.temperature_scale",
            "%s.attention.temperature_length",
            "%s.attention.recurrent_layers",
            "%s.attention.head_count_kv",
            "%s.rope.dimension_count",
            "%s.rope.dimension_count_swa",
            "%s.rope.freq_base",
            "%s.rope.freq_base_swa",
            "%s.rope.scaling.type",
            "%s.rope.scaling.factor",
            "%s.rope.scale_linear",
            "%s.rope.scaling.original_context_length",
            "%s.rope.scaling.attn_factor",
            "%s.rope.scaling.yarn_beta_fast",
            "%s.rope.scaling.yarn_beta_slow",
            "%s.rope.scaling.yarn_log_multiplier",
            "%s.rope.scaling.finetuned",
            "%s.rope.dimension_sections",
            "%s.expert_count",
            "%s.expert_used_count",
            "%s.expert_feed_forward_length",
            "%s.expert_weights_scale",
            "%s.expert_weights_norm",
            "%s.expert_gating_func",
            "%s.expert_group_count",
            "%s.expert_group_used_count",
            "%s.expert_shared_count",
            "%s.expert_shared_feed_forward_length",
            "%s.leading_dense_block_count",
            "%s.nextn_predict_layers",
            "%s.pooling_type",
            "%s.full_attention_interval",
            "%s.final_logit_softcapping",
            "%s.attn_logit_softcapping",
            "%s.activation_sparsity_scale",
            "%s.altup.active_idx",
            "%s.altup.num_inputs",
            "%s.embedding_length_per_layer_input",
            "%s.residual_scale",
            "%s.logit_scale",
            "%s.embedding_scale",
            "general.sampling.temp",
            "general.sampling.top_k",
            "general.sampling.top_p",
            "general.sampling.min_p",
            "general.sampling.penalty_last_n",
            "general.sampling.penalty_repeat",
            "tokenizer.ggml.scores",
            "tokenizer.ggml.unknown_token_id",
            "tokenizer.ggml.eot_token_id",
            "tokenizer.ggml.eom_token_id",
            "tokenizer.ggml.seperator_token_id",
            "tokenizer.ggml.add_eos_token",
            "tokenizer.ggml.add_space_prefix",
            "tokenizer.ggml.remove_extra_whitespaces",
            "tokenizer.ggml.precompiled_charsmap",
            "tokenizer.ggml.suppress_tokens",
            "tokenizer.ggml.fim_pad_token_id");

    private static final List<String> MORE_TENSORS = List.of(
            "rope_freqs.weight",
            "rope_factors_long.weight",
            "rope_factors_short.weight",
            "output.weight",
            "output.bias",
            "output.scale",
            "position_embd.weight",
            "token_types.weight",
            "dense_2.weight",
            "blk.0.attn_q.bias",
            "blk.0.attn_k.scale",
            "blk.0.attn_qkv.weight",
            "blk.0.attn_q_a.weight",
            "blk.0.attn_kv_b.weight",
            "blk.0.ffn_gate.weight",
            "blk.0.ffn_gate_inp.weight",
            "blk.0.attn_sinks.weight",
            "blk.0.exp_probs_b.bias",
            "blk.1.ffn_gate_up_exps.weight",
            "blk.0.layer_output_scale.weight",
            "blk.0.ffn_up_shexp.weight",
            "blk.0.ffn_gate_inp_shexp.weight");

    private static final List<String> STRINGS = List.of(
            "",
            "gpt2",
            "llama",
            "bert",
            "t5",
            "gemma4",
            "none",
            "default",
            "llama-bpe",
            "qwen2",
            "yarn",
            "linear",
            "longrope",
            "nomic-bert",
            "gemma3",
            "granitehybrid",
            "\0",
            "a".repeat(5000),
            "tekken");

    static final List<String> TEMPLATES = List.of(
            "{% for m in messages %}{{ m.content }}",
            "{{ '" + "a".repeat(1000) + "' * 100000000 }}",
            "{% for i in range(1000000000) %}x{% endfor %}",
            "{% set ns = namespace(s='a') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{{ " + "(".repeat(20000) + "1" + ")".repeat(20000) + " }}",
            "{{ " + "-".repeat(20000) + "1 }}",
            "{{ 1" + " + 1".repeat(20000) + " }}",
            "{% if true %}".repeat(5000) + "{% endif %}".repeat(5000),
            "{{ 10 ** 1000000000 }}",
            "{{ messages[99].content }}",
            "{{ raise_exception('no') }}",
            "{{ '%1000000000d' | format(1) }}",
            "{{ 'a'.center(1000000000) }}",
            "{{ undefined_function() }}",
            "{{ messages | tojson(indent=1000000000) }}");

    private static final List<DType> DTYPES =
            Arrays.stream(DType.values()).filter(dtype -> dtype.blockSize() > 0).toList();

    private final SplittableRandom random;

    ModelMutator(SplittableRandom random) {
        this.random = random;
    }

    /** Makes one to three changes. */
    void mutate(HostileModel model) {
        for (int count = random.nextInt(1, 4); count > 0; count--) {
            switch (random.nextInt(10)) {
                case 0, 1, 2 -> tensor(model);
                case 3 -> moreTensor(model);
                default -> metadata(model);
            }
        }
    }

    private <T> T pick(List<T> values) {
        return values.get(random.nextInt(values.size()));
    }

    private void metadata(HostileModel model) {
        List<String> keys =
                new ArrayList<>(new TreeSet<>(model.base().metadata().keys()));
        if (random.nextInt(4) == 0) {
            keys = MORE_KEYS;
        } else if (random.nextInt(3) > 0) {
            // what decides the sizes, rather than the names and the vocabulary
            keys.removeIf(key -> key.startsWith("general") || key.startsWith("tokenizer"));
        }
        String key = pick(keys);
        Object old = model.base().metadata().get(key.replace("%s", model.architecture()));
        switch (random.nextInt(8)) {
            case 0 -> model.remove(key);
            case 1 -> anyType(model, key);
            default -> {
                switch (old) {
                    case Long number -> integer(model, key, number);
                    case Double number -> model.set(key, number(number));
                    case String text -> string(model, key, text);
                    case Boolean flag -> model.set(key, GgufValueType.BOOL, !flag);
                    case long[] array -> array(model, key, boxed(array), GgufValueType.INT64);
                    case float[] array -> array(model, key, boxed(array), GgufValueType.FLOAT32);
                    case boolean[] array -> array(model, key, boxed(array), GgufValueType.BOOL);
                    case StringArray array -> array(model, key, boxed(array), GgufValueType.STRING);
                    case null, default -> anyType(model, key);
                }
            }
        }
    }

    private void integer(HostileModel model, String key, long old) {
        switch (random.nextInt(4)) {
            case 0 -> model.set(key, pick(INTEGERS));
            case 1 -> model.set(key, old + random.nextInt(-2, 3));
            case 2 -> model.set(key, random.nextBoolean() ? 2 * old : old / 2);
            default -> {
                List<Long> values = new ArrayList<>();
                for (int i = random.nextInt(1, 8); i > 0; i--) {
                    values.add(pick(List.of(old, old, old, 2 * old, old / 2, 0L, 1L, pick(INTEGERS))));
                }
                model.setArray(key, GgufValueType.INT64, values);
            }
        }
    }

    private double number(double old) {
        return switch (random.nextInt(3)) {
            case 0 -> -old;
            default -> pick(FLOATS);
        };
    }

    private void string(HostileModel model, String key, String old) {
        if (key.endsWith("chat_template")) {
            model.set(key, random.nextBoolean() ? pick(TEMPLATES) : cut(old));
        } else {
            model.set(key, random.nextInt(4) == 0 ? cut(old) : pick(STRINGS));
        }
    }

    private String cut(String text) {
        return text.substring(0, random.nextInt(text.length() + 1));
    }

    private void array(HostileModel model, String key, List<Object> old, GgufValueType type) {
        List<Object> values = new ArrayList<>(old);
        switch (random.nextInt(5)) {
            case 0 -> values = new ArrayList<>(values.subList(0, random.nextInt(values.size() + 1)));
            case 1 -> values.addAll(values.subList(0, Math.min(values.size(), 500)));
            case 2 -> Collections.shuffle(values, new java.util.Random(random.nextLong()));
            default -> {
                for (int i = random.nextInt(1, 4); i > 0 && !values.isEmpty(); i--) {
                    values.set(random.nextInt(values.size()), element(type));
                }
            }
        }
        model.setArray(key, type, values);
    }

    private Object element(GgufValueType type) {
        return switch (type) {
            case STRING -> pick(STRINGS);
            case BOOL -> random.nextBoolean();
            case FLOAT32 -> pick(FLOATS);
            default -> pick(INTEGERS);
        };
    }

    private void anyType(HostileModel model, String key) {
        GgufValueType type =
                pick(List.of(GgufValueType.INT64, GgufValueType.FLOAT32, GgufValueType.BOOL, GgufValueType.STRING));
        if (random.nextInt(3) > 0) {
            model.set(key, type, element(type));
        } else {
            List<Object> values = new ArrayList<>();
            for (int i = random.nextInt(300); i > 0; i--) {
                values.add(element(type));
            }
            model.setArray(key, type, values);
        }
    }

    private static List<Object> boxed(Object array) {
        List<Object> values = new ArrayList<>();
        switch (array) {
            case long[] numbers -> {
                for (long number : numbers) {
                    values.add(number);
                }
            }
            case float[] numbers -> {
                for (float number : numbers) {
                    values.add(number);
                }
            }
            case boolean[] flags -> {
                for (boolean flag : flags) {
                    values.add(flag);
                }
            }
            case StringArray strings -> {
                for (int i = 0; i < strings.size(); i++) {
                    values.add(strings.get(i));
                }
            }
            default -> throw new IllegalArgumentException(Objects.toString(array));
        }
        return values;
    }

    private void tensor(HostileModel model) {
        List<String> names = model.tensorNames();
        String name = pick(names);
        Tensor old = model.tensor(name);
        switch (random.nextInt(6)) {
            case 0 -> model.removeTensor(name);
            case 1 -> {
                Tensor other = model.tensor(pick(names));
                model.putTensor(name, other.dtype(), other.shape(), other.data());
            }
            case 2 -> retype(model, name, old);
            case 3 -> {
                switch (random.nextInt(4)) {
                    case 0 -> model.fill(name, 0);
                    case 1 -> model.fill(name, 0, 0, 0xC0, 0x7F); // NaN
                    case 2 -> model.fill(name, 0, 0, 0x80, 0x7F, 0, 0, 0x80, 0xFF); // the infinities
                    default -> model.fill(name, random.nextInt(256), random.nextInt(256), random.nextInt(256));
                }
            }
            default -> model.putTensor(name, old.dtype(), shape(old), old.data());
        }
    }

    private void retype(HostileModel model, String name, Tensor old) {
        DType dtype = pick(DTYPES);
        if (old.columns() % dtype.blockSize() == 0) {
            model.retype(name, dtype);
        } else {
            model.putTensor(name, dtype, Shape.of(256, old.rows()), old.data());
        }
    }

    private Shape shape(Tensor old) {
        List<Long> dims = new ArrayList<>();
        for (int i = 0; i < old.shape().rank(); i++) {
            dims.add(old.shape().dim(i));
        }
        int index = random.nextInt(dims.size());
        long dim = dims.get(index);
        switch (random.nextInt(6)) {
            case 0 -> dims.set(index, 0L);
            case 1 -> dims.set(index, 1L);
            case 2 -> dims.set(index, dim + (dim == 0 || random.nextBoolean() ? 1 : -1));
            case 3 -> dims.set(index, random.nextBoolean() ? 2 * dim : dim / 2);
            case 4 -> Collections.reverse(dims);
            default -> dims.add(dims.size() < 4 ? dims.size() : 0, random.nextBoolean() ? 1L : 2L);
        }
        long[] array = dims.subList(0, Math.min(4, dims.size())).stream()
                .mapToLong(Long::longValue)
                .toArray();
        array[0] -= array[0] % old.dtype().blockSize();
        return Shape.of(array);
    }

    private void moreTensor(HostileModel model) {
        Tensor like = model.tensor(pick(model.tensorNames()));
        Shape shape = random.nextBoolean() ? shape(like) : Shape.of(pick(List.of(0L, 1L, 4L, 8L, 12L, 16L, 32L, 64L)));
        model.putTensor(pick(MORE_TENSORS), shape.equals(like.shape()) ? like.dtype() : DType.F32, shape, like.data());
    }
}
