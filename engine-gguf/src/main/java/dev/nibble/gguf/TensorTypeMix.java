package dev.nibble.gguf;

import dev.nibble.model.Metadata;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which type each tensor of a quantized file gets. The rules are those of llama.cpp (src/llama-quant.cpp), so that a
 * {@code Q4_K_M} is what people know under that name.
 */
final class TensorTypeMix {
    /** Tensors that are small or sensitive and keep the type they have. */
    private static final List<String> KEPT = List.of(
            "ffn_gate_inp.weight",
            "ffn_gate_tid2eid.weight",
            "altup",
            "laurel",
            "per_layer_model_proj",
            "position_embd",
            "token_types.weight",
            "ssm_conv1d",
            "shortconv.conv.weight",
            "indexer.k_proj.weight",
            "indexer.q_proj.weight",
            "time_mix_",
            "attn_rel_b.weight",
            ".rel_pos",
            ".patch_embd",
            ".patch_merger");

    private final QuantizationType type;
    private final int layers;
    private final int experts;
    private final boolean tied;
    private final int attentionValues;
    private int attentionValuesSeen;
    private int ffnDownsSeen;

    private TensorTypeMix(QuantizationType type, Collection<Tensor> tensors, Metadata metadata) {
        String architecture = metadata.optionalString("general.architecture");
        int layersSeen = 0;
        int values = 0;
        boolean hasOutput = false;
        for (Tensor tensor : tensors) {
            layersSeen = Math.max(layersSeen, layer(tensor.name()) + 1);
            values += isAttentionValue(tensor.name()) ? 1 : 0;
            hasOutput |= tensor.name().equals("output.weight");
        }
        this.type = type;
        this.layers = metadata.optionalInt(architecture + ".block_count", layersSeen);
        this.experts = metadata.optionalInt(architecture + ".expert_count", 0);
        this.tied = !hasOutput;
        this.attentionValues = values;
    }

    /** The type of every tensor, by name. */
    static Map<String, DType> of(QuantizationType type, Collection<Tensor> tensors, Metadata metadata) {
        TensorTypeMix mix = new TensorTypeMix(type, tensors, metadata);
        List<Tensor> inOrder = new ArrayList<>(tensors);
        inOrder.sort(
                Comparator.<Tensor>comparingInt(tensor -> layer(tensor.name())).thenComparing(Tensor::name));
        Map<String, DType> types = new HashMap<>();
        for (Tensor tensor : inOrder) {
            types.put(tensor.name(), mix.typeOf(tensor));
        }
        return types;
    }

    private DType typeOf(Tensor tensor) {
        String name = tensor.name();
        if (isInteger(tensor.dtype())) {
            return tensor.dtype();
        }
        if (type == QuantizationType.F32 || isVector(tensor) || name.endsWith("_norm.weight")) {
            return DType.F32;
        }
        if (!name.endsWith("weight") || KEPT.stream().anyMatch(name::contains)) {
            return tensor.dtype();
        }
        DType base = type.baseType();
        return base.isQuantized() ? fitting(mixed(name, tensor.columns(), base), tensor.columns()) : base;
    }

    private DType mixed(String name, long columns, DType base) {
        boolean embedding = name.equals("token_embd.weight") || name.equals("per_layer_token_embd.weight");
        if (name.equals("output.weight") || tied && embedding) {
            return base == DType.Q8_0 || columns % base.blockSize() != 0 ? DType.Q8_0 : DType.Q6_K;
        }
        if (embedding) {
            return base;
        }
        if (isAttentionValue(name)) {
            return attentionValue(name, attentionValuesSeen++, base);
        }
        if (name.contains("attn_k.weight")) {
            return experts == 8 ? DType.Q8_0 : base;
        }
        if (name.contains("attn_output.weight")) {
            return experts == 8 && base == DType.Q4_K ? DType.Q5_K : base;
        }
        if (name.contains("ffn_down")) {
            int seen = ffnDownsSeen++;
            return ffnDown(experts > 1 ? layer(name) : seen, base);
        }
        return base;
    }

    private DType attentionValue(String name, int index, DType base) {
        if (name.contains("attn_qkv.weight")) {
            return switch (type) {
                case Q4_K_M -> DType.Q5_K;
                case Q5_K_M -> DType.Q6_K;
                default -> base;
            };
        }
        if (experts == 8) {
            return DType.Q8_0;
        }
        return switch (type) {
            case Q4_K_M, Q5_K_M -> deservesMoreBits(index, attentionValues) ? DType.Q6_K : base;
            case Q4_K_S -> index < 4 ? DType.Q5_K : base;
            default -> base;
        };
    }

    private DType ffnDown(int index, DType base) {
        return switch (type) {
            case Q4_K_M, Q5_K_M -> deservesMoreBits(index, layers) ? DType.Q6_K : base;
            case Q4_K_S -> index < layers / 8 ? DType.Q5_K : base;
            default -> base;
        };
    }

    /** The first and last eighth of the layers, and every third in between. */
    private static boolean deservesMoreBits(int index, int count) {
        return index < count / 8 || index >= 7L * count / 8 || (index - count / 8) % 3 == 2;
    }

    /** {@code wanted}, or a type of smaller blocks when they do not fill a row. */
    private static DType fitting(DType wanted, long columns) {
        if (columns % wanted.blockSize() == 0) {
            return wanted;
        }
        DType smaller = switch (wanted) {
            case Q4_K -> DType.Q5_0;
            case Q5_K -> DType.Q5_1;
            case Q6_K -> DType.Q8_0;
            default -> DType.F16;
        };
        return columns % smaller.blockSize() == 0 ? smaller : DType.F16;
    }

    private static boolean isAttentionValue(String name) {
        return name.contains("attn_v.weight") || name.contains("attn_qkv.weight") || name.contains("attn_kv_b.weight");
    }

    private static boolean isInteger(DType dtype) {
        return switch (dtype) {
            case I8, I16, I32, I64 -> true;
            default -> false;
        };
    }

    /** Whether all dimensions but the first are 1, whatever their number. */
    private static boolean isVector(Tensor tensor) {
        return tensor.rows() <= 1;
    }

    /** The number in {@code blk.<number>.…}, or -1. */
    private static int layer(String name) {
        int end = name.indexOf('.', 4);
        if (!name.startsWith("blk.") || end < 5 || end > 9) {
            return -1;
        }
        int layer = 0;
        for (int i = 4; i < end; i++) {
            char c = name.charAt(i);
            if (c < '0' || c > '9') {
                return -1;
            }
            layer = layer * 10 + c - '0';
        }
        return layer;
    }
}
