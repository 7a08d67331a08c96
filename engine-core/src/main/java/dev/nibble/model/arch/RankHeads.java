package dev.nibble.model.arch;

import dev.nibble.UnsupportedModelException;
import dev.nibble.model.Model.Pooling;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Norm;
import dev.nibble.model.Projection;
import dev.nibble.model.RankHead;
import dev.nibble.model.RankHead.Activation;
import dev.nibble.model.StringArray;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the head of a reranker, the tensors {@code cls}, {@code cls.norm} and {@code cls.output}, of any architecture. */
public final class RankHeads {
    private static final String LABELS = "classifier.output_labels";

    private RankHeads() {}

    /** Whether the file has a head that rates texts. */
    public static boolean isPresent(ModelSource source) {
        return source.tensor("cls.weight").isPresent()
                || source.tensor("cls.output.weight").isPresent();
    }

    /**
     * The head of a file whose architecture is supported.
     *
     * @throws UnsupportedModelException if it has none
     * @throws dev.nibble.ModelFormatException if it is damaged
     */
    public static RankHead read(ModelSource source) {
        if (!isPresent(source)) {
            throw new UnsupportedModelException(source.name()
                    + ": this is no reranker: it has none of the tensors cls.weight and cls.output.weight, which rate a pair of"
                    + " texts");
        }
        ModelReader reader = new ModelReader(source, 0);
        Projection dense = projection(reader, "cls", reader.hiddenSize);
        int width = dense == null ? reader.hiddenSize : dense.outputSize();
        @Nullable Norm norm = dense != null && reader.hasTensor("cls.norm.weight")
                ? reader.norm("cls.norm", width, Norm.Kind.LAYER)
                : null;
        Projection output = projection(reader, "cls.output", width);
        RankHead head = switch (reader.architecture) {
            case "qwen3", "qwen3vl" ->
                new RankHead(Pooling.LAST, dense, Activation.TANH, norm, output, true, labels(reader));
            case "modern-bert" ->
                new RankHead(Pooling.MEAN, dense, Activation.GELU, norm, output, false, labels(reader));
            default -> new RankHead(Pooling.FIRST, dense, Activation.TANH, norm, output, false, labels(reader));
        };
        if (!head.labels().isEmpty() && head.labels().size() != head.outputs()) {
            throw reader.metadata.failure(
                    reader.key(LABELS),
                    "expected a label for each of the " + head.outputs() + " outputs, found "
                            + head.labels().size());
        }
        return head;
    }

    private static @Nullable Projection projection(ModelReader reader, String name, int width) {
        return reader.hasTensor(name + ".weight")
                ? reader.projection(name, width, reader.rows(name + ".weight"))
                : null;
    }

    private static List<String> labels(ModelReader reader) {
        StringArray array = reader.metadata.optionalStrings(reader.key(LABELS));
        List<String> labels = new ArrayList<>();
        for (int i = 0; array != null && i < array.size(); i++) {
            labels.add(array.get(i));
        }
        return labels;
    }
}
