package dev.nibble.testdata;

import dev.nibble.gguf.GgufValueType;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * A model in the making: dimensions, metadata, and tensors with random weights. Weights are made while the file is
 * written; the same seed gives the same file.
 */
final class ModelSketch {

    /** Which type a matrix gets. Norms and biases are always F32. */
    @FunctionalInterface
    interface TypeRule {
        DType dtype(String name, long columns);

        /** One type for all matrices whose rows fill its blocks, F32 for the others. */
        static TypeRule all(DType dtype) {
            return (name, columns) -> columns % dtype.blockSize() == 0 ? dtype : DType.F32;
        }
    }

    /** Sizes that nearly all architectures share. */
    record Dimensions(int layers, int hidden, int ffn, int heads, int kvHeads, int headDim, int vocab, int context) {
        Dimensions(int layers, int hidden, int ffn, int heads, int kvHeads, int headDim) {
            this(layers, hidden, ffn, heads, kvHeads, headDim, ByteVocabulary.MIN_SIZE, 256);
        }

        int queryWidth() {
            return heads * headDim;
        }

        int kvWidth() {
            return kvHeads * headDim;
        }

        /** At least as large, and multiples of {@code block} wide, so that weights fill blocks of that size. */
        Dimensions roundedTo(int block) {
            int wider = headDim;
            while ((long) wider * heads % block != 0) {
                wider += 2;
            }
            return new Dimensions(
                    layers, roundUp(hidden, block), roundUp(ffn, block), heads, kvHeads, wider, vocab, context);
        }
    }

    private static final int CHUNK_BYTES = 1 << 22;

    private final String architecture;
    private final TypeRule types;
    private final int block;
    private final long seed;
    private final GgufWriter writer = new GgufWriter();
    private Dimensions dimensions = new Dimensions(1, 1, 1, 1, 1, 1);
    private int tensorCount;

    /**
     * @param architecture as in {@code general.architecture}
     * @param name for {@code general.name}
     * @param types of the matrices
     * @param block what widths are rounded up to
     */
    ModelSketch(String architecture, String name, TypeRule types, int block, long seed) {
        this.architecture = architecture;
        this.types = types;
        this.block = block;
        this.seed = seed;
        writer.putString("general.architecture", architecture)
                .putString("general.type", "model")
                .putString("general.name", name);
    }

    static int roundUp(int value, int multiple) {
        return (value + multiple - 1) / multiple * multiple;
    }

    Dimensions dimensions() {
        return dimensions;
    }

    /** {@code value} rounded up so that rows of it fill blocks. */
    int rounded(int value) {
        return roundUp(value, block);
    }

    /** Sets the sizes, rounded as needed, and writes the keys and the vocabulary that all architectures have. */
    ModelSketch dimensions(Dimensions given, float ropeBase, float epsilon) {
        dimensions = given.roundedTo(block);
        uint("block_count", dimensions.layers())
                .uint("context_length", dimensions.context())
                .uint("embedding_length", dimensions.hidden())
                .uint("feed_forward_length", dimensions.ffn())
                .uint("attention.head_count", dimensions.heads())
                .uint("attention.head_count_kv", dimensions.kvHeads())
                .float32("attention.layer_norm_rms_epsilon", epsilon)
                .float32("rope.freq_base", ropeBase)
                .uint("vocab_size", dimensions.vocab())
                .uint("attention.key_length", dimensions.headDim())
                .uint("attention.value_length", dimensions.headDim());
        new ByteVocabulary(dimensions.vocab()).putInto(writer);
        return this;
    }

    /** Sets {@code <architecture>.<key>}. */
    ModelSketch uint(String key, long value) {
        writer.putUint32(key(key), value);
        return this;
    }

    ModelSketch float32(String key, float value) {
        writer.putFloat32(key(key), value);
        return this;
    }

    ModelSketch string(String key, String value) {
        writer.putString(key(key), value);
        return this;
    }

    ModelSketch bool(String key, boolean value) {
        writer.putBoolean(key(key), value);
        return this;
    }

    /** An array of int32. */
    ModelSketch ints(String key, int... values) {
        writer.putArray(key(key), GgufValueType.INT32, values);
        return this;
    }

    ModelSketch floats(String key, float... values) {
        writer.putArray(key(key), GgufValueType.FLOAT32, values);
        return this;
    }

    ModelSketch booleans(String key, Boolean... values) {
        writer.putArray(key(key), GgufValueType.BOOL, List.of(values));
        return this;
    }

    ModelSketch strings(String key, List<String> values) {
        writer.putArray(key(key), GgufValueType.STRING, values);
        return this;
    }

    /** Sets what has no key of the architecture. */
    ModelSketch with(Consumer<GgufWriter> entries) {
        entries.accept(writer);
        return this;
    }

    ModelSketch remove(String key) {
        writer.remove(key(key));
        return this;
    }

    private String key(String key) {
        return architecture + "." + key;
    }

    /** A matrix that maps {@code inputs} to {@code outputs}, or several of them; outputs keep the inputs' variance. */
    ModelSketch weight(String name, long inputs, long... outputs) {
        return matrix(name, (float) (1 / Math.sqrt((double) inputs)), inputs, outputs);
    }

    /** A matrix with values of this standard deviation. */
    ModelSketch matrix(String name, float deviation, long inputs, long... outputs) {
        long[] dims = new long[1 + outputs.length];
        dims[0] = inputs;
        System.arraycopy(outputs, 0, dims, 1, outputs.length);
        Shape shape = Shape.of(dims);
        DType dtype = types.dtype(name, inputs);
        long tensorSeed = nextSeed();
        writer.tensor(name, dtype, shape, out -> {
            long rowBytes = dtype.byteSize(shape.columns());
            long rowsOfChunk = Math.clamp(CHUNK_BYTES / Math.max(1, rowBytes), 1, Math.max(1, shape.rows()));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment chunk = arena.allocate(rowsOfChunk * rowBytes, Long.BYTES);
                SplittableRandom random = new SplittableRandom(tensorSeed);
                for (long row = 0; row < shape.rows(); row += rowsOfChunk) {
                    long rows = Math.min(rowsOfChunk, shape.rows() - row);
                    MemorySegment part = chunk.asSlice(0, rows * rowBytes);
                    RandomBlocks.fill(dtype, deviation, random, part);
                    out.write(part.asByteBuffer());
                }
            }
        });
        return this;
    }

    /** F32 values around {@code mean}. */
    ModelSketch vector(String name, float mean, float deviation, int... dims) {
        long[] longDims = new long[dims.length];
        int count = 1;
        for (int i = 0; i < dims.length; i++) {
            longDims[i] = dims[i];
            count *= dims[i];
        }
        SplittableRandom random = new SplittableRandom(nextSeed());
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian(mean, deviation);
        }
        writer.tensor(name, DType.F32, Shape.of(longDims), GgufWriter.TensorData.of(values));
        return this;
    }

    /** F32 values as given. */
    ModelSketch values(String name, float... values) {
        writer.tensor(name, DType.F32, Shape.of(values.length), GgufWriter.TensorData.of(values));
        return this;
    }

    /** A tensor of int32. */
    ModelSketch ints(String name, int[] values, long... dims) {
        ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(values);
        writer.tensor(name, DType.I32, Shape.of(dims), out -> out.write(bytes.duplicate()));
        return this;
    }

    ModelSketch norm(String name, int size) {
        return vector(name + ".weight", 1, 0.15f, size);
    }

    /** The embedding matrix, which is the output matrix too if {@code tied}, and the last norm. */
    ModelSketch embedding(boolean tied) {
        int hidden = dimensions.hidden();
        matrix("token_embd.weight", tied ? 2 / (float) Math.sqrt(hidden) : 1, hidden, dimensions.vocab());
        if (!tied) {
            matrix("output.weight", 2 / (float) Math.sqrt(hidden), hidden, dimensions.vocab());
        }
        return this;
    }

    /** The embedding matrix of a model without logits. */
    ModelSketch embeddingOnly() {
        return matrix("token_embd.weight", 1, dimensions.hidden(), dimensions.vocab());
    }

    /** {@link #embedding} and {@code output_norm}. */
    ModelSketch ends(boolean tied) {
        return embedding(tied).norm("output_norm", dimensions.hidden());
    }

    /** Adds each layer's tensors. */
    ModelSketch layers(Consumer<LayerSketch> layer) {
        for (int i = 0; i < dimensions.layers(); i++) {
            layer.accept(new LayerSketch(this, i));
        }
        return this;
    }

    void write(Path file) throws IOException {
        writer.write(file);
    }

    /** Each tensor has a stream of its own, so that its data can be made at any time and again. */
    private long nextSeed() {
        return seed * 1_000_003 + tensorCount++;
    }
}
