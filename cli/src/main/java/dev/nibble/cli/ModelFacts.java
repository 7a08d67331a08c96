package dev.nibble.cli;

import dev.nibble.model.Metadata;
import dev.nibble.model.ModelSource;
import dev.nibble.tensor.Tensor;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Numbers that can be read off a model file without running it. */
final class ModelFacts {
    /** Values of {@code general.file_type}, from llama.h. */
    private static final Map<Integer, String> FILE_TYPES = Map.ofEntries(
            Map.entry(0, "F32"),
            Map.entry(1, "F16"),
            Map.entry(2, "Q4_0"),
            Map.entry(3, "Q4_1"),
            Map.entry(7, "Q8_0"),
            Map.entry(8, "Q5_0"),
            Map.entry(9, "Q5_1"),
            Map.entry(10, "Q2_K"),
            Map.entry(11, "Q3_K_S"),
            Map.entry(12, "Q3_K_M"),
            Map.entry(13, "Q3_K_L"),
            Map.entry(14, "Q4_K_S"),
            Map.entry(15, "Q4_K_M"),
            Map.entry(16, "Q5_K_S"),
            Map.entry(17, "Q5_K_M"),
            Map.entry(18, "Q6_K"),
            Map.entry(19, "IQ2_XXS"),
            Map.entry(20, "IQ2_XS"),
            Map.entry(21, "Q2_K_S"),
            Map.entry(22, "IQ3_XS"),
            Map.entry(23, "IQ3_XXS"),
            Map.entry(24, "IQ1_S"),
            Map.entry(25, "IQ4_NL"),
            Map.entry(26, "IQ3_S"),
            Map.entry(27, "IQ3_M"),
            Map.entry(28, "IQ2_S"),
            Map.entry(29, "IQ2_M"),
            Map.entry(30, "IQ4_XS"),
            Map.entry(31, "IQ1_M"),
            Map.entry(32, "BF16"),
            Map.entry(36, "TQ1_0"),
            Map.entry(37, "TQ2_0"),
            Map.entry(38, "MXFP4"),
            Map.entry(39, "NVFP4"),
            Map.entry(40, "Q1_0"),
            Map.entry(41, "Q2_0"));

    private final ModelSource source;
    private final Metadata metadata;

    ModelFacts(ModelSource source) {
        this.source = source;
        this.metadata = source.metadata();
    }

    /** Tensors, parameters and bytes of one type. */
    record Share(int tensors, long parameters, long bytes) {
        Share plus(Tensor tensor) {
            return new Share(
                    tensors + 1,
                    parameters + tensor.columns() * tensor.rows(),
                    bytes + tensor.data().byteSize());
        }
    }

    String architecture() {
        String name = metadata.optionalString("general.architecture");
        return name == null ? "unknown" : name;
    }

    long parameters() {
        return source.tensors().stream()
                .mapToLong(tensor -> tensor.columns() * tensor.rows())
                .sum();
    }

    long weightBytes() {
        return source.tensors().stream()
                .mapToLong(tensor -> tensor.data().byteSize())
                .sum();
    }

    int contextLength() {
        return metadata.optionalInt(architecture() + ".context_length", 0);
    }

    /** The types of the tensors, the one with the most bytes first. */
    Map<String, Share> mix() {
        Map<String, Share> byType = new TreeMap<>();
        for (Tensor tensor : source.tensors()) {
            byType.merge(tensor.dtype().name(), new Share(0, 0, 0).plus(tensor), (share, one) -> share.plus(tensor));
        }
        return byType.entrySet().stream()
                .sorted((a, b) ->
                        Long.compare(b.getValue().bytes(), a.getValue().bytes()))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue, (a, b) -> a, LinkedHashMap::new));
    }

    /**
     * The name under which people know the file's quantization, as {@code Q4_K_M}: what its label says, else the type
     * that holds most of the bytes.
     */
    String quantization() {
        return FILE_TYPES.getOrDefault(metadata.optionalInt("general.file_type", -1), mainType());
    }

    /** The type that holds most of the bytes, the usual short name of a file's quantization. */
    String mainType() {
        return mix().keySet().stream().findFirst().orElse("none");
    }

    /**
     * Bytes of weights that are read to evaluate one token: all but the token embedding, of which one row is read, unless
     * it is the output as well; of the experts those that are used.
     */
    long bytesPerToken() {
        Collection<Tensor> tensors = source.tensors();
        boolean tied = source.tensor("output.weight").isEmpty();
        int experts = metadata.optionalInt(architecture() + ".expert_count", 0);
        int used = metadata.optionalInt(architecture() + ".expert_used_count", 0);
        long bytes = 0;
        for (Tensor tensor : tensors) {
            long size = tensor.data().byteSize();
            if ((tensor.name().equals("token_embd.weight") && !tied)
                    || tensor.name().equals("per_layer_token_embd.weight")) {
                size = tensor.rowBytes();
            } else if (tensor.name().contains("_exps") && experts > 0 && used > 0) {
                size = size / experts * used;
            }
            bytes += size;
        }
        return bytes;
    }

    /**
     * Multiply-adds with weights that one token of a prompt takes: all matrices of the layers, of the experts those that
     * are used. The output counts nothing, as only the last token needs it, and attention is left out.
     */
    long multiplyAddsPerToken() {
        int experts = metadata.optionalInt(architecture() + ".expert_count", 0);
        int used = metadata.optionalInt(architecture() + ".expert_used_count", 0);
        long sum = 0;
        for (Tensor tensor : source.tensors()) {
            long size = tensor.columns() * tensor.rows();
            if (tensor.rows() > 1 && tensor.name().startsWith("blk.")) {
                sum += tensor.name().contains("_exps") && experts > 0 && used > 0 ? size / experts * used : size;
            }
        }
        return sum;
    }
}
