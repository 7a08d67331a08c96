package dev.nibble.model.arch;

import dev.nibble.ModelFormatException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.cpu.quant.BlockFormat;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Norm;
import dev.nibble.model.Projection;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What all architectures read alike: keys with the architecture's prefix, tensors with their expected shapes. A missing
 * or misshapen tensor and a senseless number are {@link ModelFormatException}s that name it.
 */
final class ModelReader extends KeyReader {
    final int contextLength;
    final int hiddenSize;
    final Tensor tokenEmbedding;
    final int vocabSize;

    private final ModelSource source;
    private final int requestedContext;
    private int maxContextLength = Integer.MAX_VALUE;

    ModelReader(ModelSource source, int requestedContext) {
        super(source);
        this.source = source;
        this.requestedContext = requestedContext;
        contextLength = positive("context_length");
        hiddenSize = positive("embedding_length");
        tokenEmbedding = tensor("token_embd.weight");
        if (tokenEmbedding.columns() != hiddenSize || tokenEmbedding.shape().rank() > 2) {
            throw misshapen(tokenEmbedding, Shape.of(hiddenSize, tokenEmbedding.rows()));
        }
        vocabSize = rows("token_embd.weight");
    }

    /** The context the model will be run with. */
    int runContext() {
        return requestedContext > 0 ? requestedContext : contextLength;
    }

    /** Says that nothing is known of positions beyond so many. */
    void limitContext(int positions) {
        maxContextLength = Math.min(maxContextLength, positions);
    }

    boolean hasTensor(String name) {
        return source.tensor(name).isPresent();
    }

    /** A tensor that must be there, with elements of a type that weights have. */
    Tensor tensor(String name) {
        Tensor tensor = source.tensor(name)
                .orElseThrow(() ->
                        failure("the tensor " + name + " is missing; the architecture " + architecture + " needs it"));
        leftovers.tensor(name);
        if (tensor.shape().elements() == 0) {
            throw failure("the tensor " + name + " of shape " + tensor.shape() + " is empty");
        }
        try {
            BlockFormat.of(tensor.dtype());
        } catch (UnsupportedModelException e) {
            throw new UnsupportedModelException(source.name() + ": " + name + ": " + e.getMessage());
        }
        return tensor;
    }

    /** Notes that a tensor, if it is there, takes no part on purpose: another that is there too has the same say. */
    void passOver(String name) {
        leftovers.tensor(name);
    }

    /** Likewise all tensors of a block. */
    void passOverBlock(int layer) {
        source.tensors().stream()
                .map(Tensor::name)
                .filter(name -> name.startsWith(block(layer, "")))
                .forEach(this::passOver);
    }

    /** Likewise all tensors of blocks whose names begin so. */
    void passOverParts(String beginning) {
        for (Tensor tensor : source.tensors()) {
            if (tensor.name().matches("blk\\.\\d+\\." + Pattern.quote(beginning) + ".*")) {
                passOver(tensor.name());
            }
        }
    }

    /**
     * To be called once everything is read.
     *
     * @throws UnsupportedModelException if the file has weights or numbers that were not asked for and would change what
     *     the model computes
     * @throws ModelFormatException if it has more blocks than it counts
     */
    void checkLeftovers() {
        leftovers.check(source, this);
    }

    /** How many rows a tensor has. */
    int rows(String name) {
        long rows = tensor(name).rows();
        if (rows > Integer.MAX_VALUE) {
            throw failure("the tensor " + name + " has " + rows + " rows, too many for its purpose");
        }
        return (int) rows;
    }

    /**
     * A tensor of exactly this shape (trailing ones aside). Dimensions are products of numbers in the file: computed as
     * {@code long} they do not overflow, and once a tensor of the shape is there they fit an {@code int}.
     */
    Tensor tensor(String name, long... dims) {
        Tensor tensor = tensor(name);
        for (long dim : dims) {
            if (dim > Integer.MAX_VALUE) {
                throw failure("the tensor " + name + " would need the shape " + Arrays.toString(dims)
                        + ", which no model has");
            }
        }
        Shape expected = Shape.of(dims);
        for (int i = 0; i < 4; i++) {
            if (tensor.shape().dim(i) != expected.dim(i)) {
                throw misshapen(tensor, expected);
            }
        }
        return tensor;
    }

    /** The values of a small tensor with {@code size} elements. */
    float[] vector(String name, long size) {
        return values(tensor(name, size));
    }

    float @Nullable [] optionalVector(String name, long size) {
        return hasTensor(name) ? vector(name, size) : null;
    }

    /** All values of a tensor, row after row. */
    float[] values(Tensor tensor) {
        if (tensor.shape().elements() > Integer.MAX_VALUE - 8) {
            throw failure(tensor.name() + " has " + tensor.shape().elements() + " elements, too many for its purpose");
        }
        float[] values = new float[(int) tensor.shape().elements()];
        tensor.dequantizeRows(0, (int) tensor.rows(), values, 0);
        return values;
    }

    /** {@code name.weight}, or {@code name} as some converters wrote it, with its optional bias. */
    Norm norm(String name, long size, Norm.Kind kind) {
        String weight = !hasTensor(name + ".weight") && hasTensor(name) ? name : name + ".weight";
        return new Norm(vector(weight, size), optionalVector(name + ".bias", size), epsilon(kind), kind);
    }

    /**
     * A norm of heads, as the shape of its weights says: over each head alike, over each with weights of its own, or over the
     * whole width.
     */
    Norm headNorm(String name, int headDim, int heads, Norm.Kind kind) {
        Shape shape = tensor(name + ".weight").shape();
        if (shape.dim(0) == headDim && shape.dim(1) == heads && heads > 1) {
            float[] weight = values(tensor(name + ".weight", headDim, heads));
            float[] bias = hasTensor(name + ".bias") ? values(tensor(name + ".bias", headDim, heads)) : null;
            return new Norm(weight, bias, epsilon(kind), kind, heads);
        }
        return norm(name, shape.dim(0) == headDim ? headDim : (long) headDim * heads, kind);
    }

    /** What norms of this kind add, by the key of that kind. */
    float epsilon(Norm.Kind kind) {
        return switch (kind) {
            case RMS -> rmsEpsilon();
            case LAYER -> epsilon("attention.layer_norm_epsilon");
        };
    }

    Norm rms(String name, long size) {
        return Norm.rms(vector(name + ".weight", size), rmsEpsilon());
    }

    @Nullable Norm optionalRms(String name, long size) {
        return hasTensor(name + ".weight") ? rms(name, size) : null;
    }

    /** {@code name.weight} of shape [input, output] with its optional {@code name.bias} and {@code name.scale}. */
    Projection projection(String name, long input, long output) {
        Tensor weight = tensor(name + ".weight", input, output);
        float[] scale = optionalVector(name + ".scale", 1);
        return new Projection(weight, optionalVector(name + ".bias", output), scale == null ? 1 : scale[0]);
    }

    @Nullable Projection optionalProjection(String name, long input, long output) {
        return hasTensor(name + ".weight") ? projection(name, input, output) : null;
    }

    /** The matrices of {@code name.weight} [input, output, count], each with its row of the optional bias and scale. */
    List<Projection> projections(String name, long input, long output, int count) {
        Tensor weights = tensor(name + ".weight", input, output, count);
        float[] biases = hasTensor(name + ".bias") ? values(tensor(name + ".bias", output, count)) : null;
        float[] scales = optionalVector(name + ".scale", count);
        List<Projection> projections = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            projections.add(new Projection(
                    weights.rowRange(i * output, output),
                    biases == null ? null : Arrays.copyOfRange(biases, (int) (i * output), (int) ((i + 1) * output)),
                    scales == null ? 1 : scales[i]));
        }
        return projections;
    }

    /** The output projection, or the token embedding where the model has none of its own. */
    Projection outputOrTied() {
        return hasTensor("output.weight") ? projection("output", hiddenSize, vocabSize) : Projection.of(tokenEmbedding);
    }

    ModelConfig config(float embeddingScale, float logitScale, float logitSoftcap) {
        return config(layerCount, embeddingScale, logitScale, logitSoftcap);
    }

    /** The dimensions of a model that runs so many blocks. */
    ModelConfig config(int blocks, float embeddingScale, float logitScale, float logitSoftcap) {
        return new ModelConfig(
                architecture,
                vocabSize,
                contextLength,
                maxContextLength,
                hiddenSize,
                blocks,
                embeddingScale,
                logitScale,
                logitSoftcap);
    }

    static String block(int layer, String name) {
        return "blk." + layer + "." + name;
    }

    ModelFormatException failure(String problem) {
        return new ModelFormatException(source.name() + ": " + problem);
    }

    private ModelFormatException misshapen(Tensor tensor, Shape expected) {
        return failure("the tensor " + tensor.name() + " has the shape " + tensor.shape() + ", expected " + expected);
    }
}
