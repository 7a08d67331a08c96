package dev.nibble.embedding;

import dev.nibble.model.Projection;
import java.util.ArrayList;
import java.util.List;

/** Applies a linear map to pooled embeddings: a few vectors, so each weight is dequantized once and used for all. */
final class DenseLayer {
    private DenseLayer() {}

    /**
     * Maps vectors.
     *
     * @param vectors each of one or more rows of the layer's input size
     * @return each with as many rows of its output size
     */
    static List<float[]> apply(Projection layer, List<float[]> vectors) {
        int in = layer.inputSize();
        int out = layer.outputSize();
        List<float[]> results = new ArrayList<>(vectors.size());
        for (float[] vector : vectors) {
            results.add(new float[Math.multiplyExact(vector.length / in, out)]);
        }
        float[] weights = new float[in];
        float[] bias = layer.bias();
        for (int n = 0; n < out; n++) {
            layer.weight().dequantizeRows(n, 1, weights, 0);
            for (int v = 0; v < results.size(); v++) {
                float[] result = results.get(v);
                for (int row = 0; row * out < result.length; row++) {
                    float product = dot(weights, vectors.get(v), row * in);
                    result[row * out + n] = layer.scale() * product + (bias == null ? 0 : bias[n]);
                }
            }
        }
        return results;
    }

    private static float dot(float[] weights, float[] vector, int offset) {
        double sum = 0;
        for (int k = 0; k < weights.length; k++) {
            sum += (double) weights[k] * vector[offset + k];
        }
        return (float) sum;
    }
}
