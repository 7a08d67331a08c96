package dev.nibble.examples.cli;

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
}
