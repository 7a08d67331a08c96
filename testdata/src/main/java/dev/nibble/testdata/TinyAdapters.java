package dev.nibble.testdata;

import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.gguf.GgufWriter.TensorData;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/** Random adapters (LoRA) of models, and models into which adapters were merged. */
public final class TinyAdapters {
    private TinyAdapters() {}

    /**
     * A writer of an adapter in F32.
     *
     * @param weights which weights it changes, by their names; each is a matrix, or one for each expert
     */
    public static GgufWriter writer(GgufFile base, Predicate<String> weights, int rank, float alpha, long seed) {
        GgufWriter writer = new GgufWriter()
                .putString("general.architecture", base.metadata().requireString("general.architecture"))
                .putString("general.type", "adapter")
                .putString("adapter.type", "lora")
                .putFloat32("adapter.lora.alpha", alpha);
        SplittableRandom random = new SplittableRandom(seed);
        for (Tensor tensor : base.tensors()) {
            if (weights.test(tensor.name())) {
                long in = tensor.columns();
                long out = tensor.shape().dim(1);
                long count = tensor.shape().dim(2);
                add(writer, tensor.name() + ".lora_a", 1 / Math.sqrt((double) in), random, in, rank, count);
                add(writer, tensor.name() + ".lora_b", 1 / Math.sqrt(rank), random, rank, out, count);
            }
        }
        return writer;
    }

    private static void add(GgufWriter writer, String name, double deviation, SplittableRandom random, long... dims) {
        float[] values = new float[Math.toIntExact(dims[0] * dims[1] * dims[2])];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian(0, deviation);
        }
        Shape shape = dims[2] == 1 ? Shape.of(dims[0], dims[1]) : Shape.of(dims);
        writer.tensor(name, DType.F32, shape, TensorData.of(values));
    }

    /** Writes the model that a model is with an adapter: its weights, in F32, with {@code scale · alpha / rank · B A}. */
    public static void merge(GgufFile base, GgufFile adapter, float scale, Path file) throws IOException {
        GgufWriter writer = new GgufWriter().putAll(base, key -> true);
        float alpha = adapter.metadata().requireFloat("adapter.lora.alpha");
        for (Tensor tensor : base.tensors()) {
            float[] values = values(tensor);
            Tensor a = adapter.tensor(tensor.name() + ".lora_a").orElse(null);
            Tensor b = adapter.tensor(tensor.name() + ".lora_b").orElse(null);
            if (a != null && b != null) {
                add(values, tensor, values(a), values(b), (int) b.columns(), scale * alpha / b.columns());
            }
            writer.tensor(tensor.name(), DType.F32, tensor.shape(), TensorData.of(values));
        }
        writer.write(file);
    }

    private static void add(float[] values, Tensor tensor, float[] a, float[] b, int rank, double factor) {
        int in = (int) tensor.columns();
        int out = (int) tensor.shape().dim(1);
        for (int row = 0; row < tensor.rows(); row++) {
            int firstA = row / out * rank;
            for (int column = 0; column < in; column++) {
                double sum = 0;
                for (int k = 0; k < rank; k++) {
                    sum += (double) b[row * rank + k] * a[(firstA + k) * in + column];
                }
                values[row * in + column] += (float) (factor * sum);
            }
        }
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.shape().elements())];
        tensor.dequantizeRows(0, (int) tensor.rows(), values, 0);
        return values;
    }
}
